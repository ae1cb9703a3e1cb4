/// The moments of writing at which a process may die: tests kill it at each.
package enum StoreStep: String, Sendable, CaseIterable {
  case beforeChunk = "before-chunk"
  case chunkHalfWritten = "chunk-half-written"
  case chunkWritten = "chunk-written"
  case chunkSynced = "chunk-synced"
  case chunkRenamed = "chunk-renamed"
  case folderSynced = "folder-synced"
  case objectInserted = "object-inserted"
  case traceInserted = "trace-inserted"
  case cellCommitted = "cell-committed"
  case resultCommitted = "result-committed"
  case checkpointWritten = "checkpoint-written"
  case checkpointRenamed = "checkpoint-renamed"
  case runRecorded = "run-recorded"
}
