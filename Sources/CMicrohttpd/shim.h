#ifndef CAIRN_CMICROHTTPD_SHIM_H
#define CAIRN_CMICROHTTPD_SHIM_H

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Swift cannot call variadic functions: this starts a daemon on the loopback interface, with a thread per connection,
   since the live page's event stream blocks its own. Port 0 lets the system choose. */
static inline struct MHD_Daemon *cairn_start_daemon(uint16_t port, MHD_AccessHandlerCallback handler, void *context) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, port, NULL, NULL, handler,
                          context, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT,
                          (unsigned int)64, MHD_OPTION_END);
}

/* The port that the daemon listens on; 0 where it cannot tell. */
static inline uint16_t cairn_daemon_port(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
  return info ? info->port : 0;
}

/* An endless response whose bytes the reader supplies. */
static inline struct MHD_Response *cairn_stream(MHD_ContentReaderCallback reader, void *context,
                                                MHD_ContentReaderFreeCallback release) {
  return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, reader, context, release);
}

/* What a reader returns at the end: the macro is an integer constant that Swift does not import. */
static inline ssize_t cairn_end_of_stream(void) { return MHD_CONTENT_READER_END_OF_STREAM; }

#endif
