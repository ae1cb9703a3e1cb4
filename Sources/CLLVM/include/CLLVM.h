// What Cairn needs of LLVM: from IR text to an object, from an object to the address of a function.
//
// The library is opened at run time, with prototypes of our own, so that neither its headers nor the library are
// needed to build, and nothing of it is loaded before the first compilation. Every function that can fail returns a
// message that the caller frees with `cllvm_free`, or NULL where it succeeded. All functions may be called from any
// thread.
#ifndef CLLVM_H
#define CLLVM_H

#include <stddef.h>
#include <stdint.h>

typedef struct cllvm_library cllvm_library;
typedef struct cllvm_image cllvm_image;

/// Opens the library at a path or of a name that the dynamic linker knows. Opened libraries are never closed.
char *_Nullable cllvm_open(const char *_Nonnull name, cllvm_library *_Nullable *_Nonnull library);

/// Major, minor and patch version.
void cllvm_version(const cllvm_library *_Nonnull library, unsigned *_Nonnull parts);

/// The name and the features of this machine's processor as LLVM has them; freed by the caller.
char *_Nonnull cllvm_host_cpu(const cllvm_library *_Nonnull library);
char *_Nonnull cllvm_host_features(const cllvm_library *_Nonnull library);

/// Parses, verifies, runs passes (none where `passes` is empty) and generates code.
///
/// - `level`: 0 to 3, the effort of code generation.
/// - `object`, `size`: a relocatable object, freed by the caller.
/// - `assembly`: where not NULL, receives the code as text instead, freed by the caller.
char *_Nullable cllvm_compile(
    const cllvm_library *_Nonnull library, const char *_Nonnull text, size_t length, const char *_Nonnull cpu,
    const char *_Nonnull features, const char *_Nonnull passes, int level, int as_assembly,
    unsigned char *_Nullable *_Nonnull object, size_t *_Nonnull size);

/// Places an object in memory and resolves what it asks for among the symbols of the process.
char *_Nullable cllvm_link(
    const cllvm_library *_Nonnull library, const unsigned char *_Nonnull object, size_t size,
    cllvm_image *_Nullable *_Nonnull image);

/// The address of a function of an image.
char *_Nullable cllvm_lookup(
    const cllvm_image *_Nonnull image, const char *_Nonnull name, void *_Nullable *_Nonnull address);

/// Unloads an image; nothing of it may be running.
void cllvm_unload(cllvm_image *_Nonnull image);

void cllvm_free(void *_Nullable memory);

#endif
