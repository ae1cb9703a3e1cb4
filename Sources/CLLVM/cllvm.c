#define _GNU_SOURCE
#include "CLLVM.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef void *handle;
typedef int boolean;

/// Interned names and pairs of them with addresses are not needed: objects are resolved against the process.
#define FUNCTIONS(X)                                                                                                   \
  X(void, LLVMGetVersion, (unsigned *, unsigned *, unsigned *))                                                        \
  X(handle, LLVMContextCreate, (void))                                                                                 \
  X(void, LLVMContextDispose, (handle))                                                                                \
  X(void, LLVMContextSetDiagnosticHandler, (handle, void (*)(handle, void *), void *))                                 \
  X(char *, LLVMGetDiagInfoDescription, (handle))                                                                      \
  X(int, LLVMGetDiagInfoSeverity, (handle))                                                                            \
  X(handle, LLVMCreateMemoryBufferWithMemoryRangeCopy, (const char *, size_t, const char *))                           \
  X(void, LLVMDisposeMemoryBuffer, (handle))                                                                           \
  X(const char *, LLVMGetBufferStart, (handle))                                                                        \
  X(size_t, LLVMGetBufferSize, (handle))                                                                               \
  X(boolean, LLVMParseIRInContext, (handle, handle, handle *, char **))                                                \
  X(void, LLVMDisposeModule, (handle))                                                                                 \
  X(void, LLVMDisposeMessage, (char *))                                                                                \
  X(boolean, LLVMVerifyModule, (handle, int, char **))                                                                 \
  X(void, LLVMSetTarget, (handle, const char *))                                                                       \
  X(void, LLVMSetModuleDataLayout, (handle, handle))                                                                   \
  X(handle, LLVMCreateTargetDataLayout, (handle))                                                                      \
  X(void, LLVMDisposeTargetData, (handle))                                                                             \
  X(char *, LLVMGetDefaultTargetTriple, (void))                                                                        \
  X(char *, LLVMGetHostCPUName, (void))                                                                                \
  X(char *, LLVMGetHostCPUFeatures, (void))                                                                            \
  X(boolean, LLVMGetTargetFromTriple, (const char *, handle *, char **))                                               \
  X(handle, LLVMCreateTargetMachine, (handle, const char *, const char *, const char *, int, int, int))                \
  X(void, LLVMDisposeTargetMachine, (handle))                                                                          \
  X(boolean, LLVMTargetMachineEmitToMemoryBuffer, (handle, handle, int, char **, handle *))                            \
  X(handle, LLVMCreatePassBuilderOptions, (void))                                                                      \
  X(void, LLVMDisposePassBuilderOptions, (handle))                                                                     \
  X(handle, LLVMRunPasses, (handle, const char *, handle, handle))                                                     \
  X(char *, LLVMGetErrorMessage, (handle))                                                                             \
  X(void, LLVMDisposeErrorMessage, (char *))                                                                           \
  X(handle, LLVMOrcCreateLLJIT, (handle *, handle))                                                                    \
  X(handle, LLVMOrcDisposeLLJIT, (handle))                                                                             \
  X(handle, LLVMOrcLLJITGetMainJITDylib, (handle))                                                                     \
  X(handle, LLVMOrcLLJITGetExecutionSession, (handle))                                                                 \
  X(void, LLVMOrcExecutionSessionSetErrorReporter, (handle, void (*)(void *, handle), void *))                         \
  X(char, LLVMOrcLLJITGetGlobalPrefix, (handle))                                                                       \
  X(handle, LLVMOrcLLJITAddObjectFile, (handle, handle, handle))                                                       \
  X(handle, LLVMOrcLLJITLookup, (handle, uint64_t *, const char *))                                                    \
  X(void, LLVMOrcJITDylibAddGenerator, (handle, handle))                                                               \
  X(handle, LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess, (handle *, char, void *, void *))

struct cllvm_library {
#define MEMBER(result, name, arguments) result(*name) arguments;
  FUNCTIONS(MEMBER)
};

struct cllvm_image {
  const cllvm_library *library;
  handle jit;
};

static pthread_mutex_t initialization = PTHREAD_MUTEX_INITIALIZER;

static char *copied(const char *text) {
  char *result = strdup(text ? text : "no message");
  return result ? result : NULL;
}

static char *joined(const char *first, const char *second) {
  size_t length = strlen(first) + strlen(second) + 1;
  char *result = malloc(length);
  if (result) {
    strcpy(result, first);
    strcat(result, second);
  }
  return result;
}

void cllvm_free(void *memory) { free(memory); }

/// The functions that make this machine's kind of code known have names of their own per architecture.
static char *initialize_target(void *opened) {
  static const char *const architectures[] = {"X86", "AArch64"};
  static const char *const parts[] = {"TargetInfo", "Target", "TargetMC", "AsmPrinter"};
  int known = 0;
  for (size_t a = 0; a < 2; a++) {
    int complete = 1;
    for (size_t p = 0; p < 4; p++) {
      char *prefix = joined("LLVMInitialize", architectures[a]);
      char *name = prefix ? joined(prefix, parts[p]) : NULL;
      void (*function)(void) = name ? (void (*)(void))dlsym(opened, name) : NULL;
      if (function)
        function();
      else
        complete = 0;
      free(prefix);
      free(name);
    }
    known |= complete;
  }
  return known ? NULL : copied("the library generates code neither for x86-64 nor for AArch64");
}

char *cllvm_open(const char *name, cllvm_library **result) {
  *result = NULL;
  void *opened = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!opened) return copied(dlerror());
  cllvm_library *library = calloc(1, sizeof *library);
  if (!library) return copied("out of memory");
  char *failure = NULL;
#define LOAD(type, symbol, arguments)                                                                                  \
  if (!failure && !(library->symbol = (type(*) arguments)dlsym(opened, #symbol)))                                      \
    failure = joined("the library lacks ", #symbol);
  FUNCTIONS(LOAD)
  if (!failure) {
    pthread_mutex_lock(&initialization);
    failure = initialize_target(opened);
    pthread_mutex_unlock(&initialization);
  }
  if (failure) {
    free(library);
    return failure;
  }
  *result = library;
  return NULL;
}

void cllvm_version(const cllvm_library *library, unsigned *parts) {
  library->LLVMGetVersion(parts, parts + 1, parts + 2);
}

static char *taken(const cllvm_library *library, char *message) {
  char *result = copied(message);
  if (message) library->LLVMDisposeMessage(message);
  return result;
}

char *cllvm_host_cpu(const cllvm_library *library) { return taken(library, library->LLVMGetHostCPUName()); }
char *cllvm_host_features(const cllvm_library *library) { return taken(library, library->LLVMGetHostCPUFeatures()); }

struct diagnosis {
  const cllvm_library *library;
  char *message;
};

/// Remarks arrive here too; errors have severity 0. Without a handler LLVM would print and exit.
static void diagnose(handle info, void *context) {
  struct diagnosis *diagnosis = context;
  if (diagnosis->library->LLVMGetDiagInfoSeverity(info) != 0 || diagnosis->message) return;
  diagnosis->message = taken(diagnosis->library, diagnosis->library->LLVMGetDiagInfoDescription(info));
}

static char *message_of(const cllvm_library *library, handle error) {
  char *text = library->LLVMGetErrorMessage(error);
  char *result = copied(text);
  library->LLVMDisposeErrorMessage(text);
  return result;
}

char *cllvm_compile(
    const cllvm_library *l, const char *text, size_t length, const char *cpu, const char *features, const char *passes,
    int level, int as_assembly, unsigned char **object, size_t *size) {
  *object = NULL;
  *size = 0;
  struct diagnosis diagnosis = {l, NULL};
  char *failure = NULL;
  char *message = NULL;
  handle target = NULL, machine = NULL, module = NULL, layout = NULL, output = NULL;
  handle context = l->LLVMContextCreate();
  l->LLVMContextSetDiagnosticHandler(context, diagnose, &diagnosis);
  char *triple = l->LLVMGetDefaultTargetTriple();
  if (l->LLVMGetTargetFromTriple(triple, &target, &message)) {
    failure = taken(l, message);
    goto done;
  }
  // Position-independent, with the code model of code that is generated while running.
  machine = l->LLVMCreateTargetMachine(target, triple, cpu, features, level, 2, 1);
  if (!machine) {
    failure = copied("there is no code generator for this processor");
    goto done;
  }
  // The parser takes the buffer over.
  handle buffer = l->LLVMCreateMemoryBufferWithMemoryRangeCopy(text, length, "program");
  if (l->LLVMParseIRInContext(context, buffer, &module, &message)) {
    module = NULL;
    failure = diagnosis.message ? copied(diagnosis.message) : taken(l, message);
    goto done;
  }
  message = NULL;
  // Action 2: the status is returned.
  if (l->LLVMVerifyModule(module, 2, &message)) {
    failure = taken(l, message);
    goto done;
  }
  l->LLVMDisposeMessage(message);
  l->LLVMSetTarget(module, triple);
  layout = l->LLVMCreateTargetDataLayout(machine);
  l->LLVMSetModuleDataLayout(module, layout);
  if (passes[0]) {
    handle options = l->LLVMCreatePassBuilderOptions();
    handle error = l->LLVMRunPasses(module, passes, machine, options);
    l->LLVMDisposePassBuilderOptions(options);
    if (error) {
      failure = message_of(l, error);
      goto done;
    }
  }
  message = NULL;
  // Kind 0 is assembly, 1 an object.
  if (l->LLVMTargetMachineEmitToMemoryBuffer(machine, module, as_assembly ? 0 : 1, &message, &output)) {
    output = NULL;
    failure = taken(l, message);
    goto done;
  }
  if (diagnosis.message) {
    failure = copied(diagnosis.message);
    goto done;
  }
  *size = l->LLVMGetBufferSize(output);
  *object = malloc(*size ? *size : 1);
  if (*object)
    memcpy(*object, l->LLVMGetBufferStart(output), *size);
  else
    failure = copied("out of memory");
done:
  if (output) l->LLVMDisposeMemoryBuffer(output);
  if (layout) l->LLVMDisposeTargetData(layout);
  if (module) l->LLVMDisposeModule(module);
  if (machine) l->LLVMDisposeTargetMachine(machine);
  if (triple) l->LLVMDisposeMessage(triple);
  l->LLVMContextDispose(context);
  free(diagnosis.message);
  return failure;
}

/// The session's own reports; what matters of them comes back from the lookup as well.
static void report(void *context, handle error) {
  const cllvm_library *library = context;
  if (error) free(message_of(library, error));
}

char *cllvm_link(const cllvm_library *l, const unsigned char *object, size_t size, cllvm_image **result) {
  *result = NULL;
  cllvm_image *image = calloc(1, sizeof *image);
  if (!image) return copied("out of memory");
  image->library = l;
  pthread_mutex_lock(&initialization);
  handle error = l->LLVMOrcCreateLLJIT(&image->jit, NULL);
  pthread_mutex_unlock(&initialization);
  if (error) {
    free(image);
    return message_of(l, error);
  }
  l->LLVMOrcExecutionSessionSetErrorReporter(l->LLVMOrcLLJITGetExecutionSession(image->jit), report, (void *)l);
  handle library = l->LLVMOrcLLJITGetMainJITDylib(image->jit);
  handle generator = NULL;
  error = l->LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
      &generator, l->LLVMOrcLLJITGetGlobalPrefix(image->jit), NULL, NULL);
  if (!error) {
    l->LLVMOrcJITDylibAddGenerator(library, generator);
    // The session takes the buffer over.
    handle buffer = l->LLVMCreateMemoryBufferWithMemoryRangeCopy((const char *)object, size, "object");
    error = l->LLVMOrcLLJITAddObjectFile(image->jit, library, buffer);
  }
  if (error) {
    char *failure = message_of(l, error);
    cllvm_unload(image);
    return failure;
  }
  *result = image;
  return NULL;
}

char *cllvm_lookup(const cllvm_image *image, const char *name, void **address) {
  uint64_t found = 0;
  handle error = image->library->LLVMOrcLLJITLookup(image->jit, &found, name);
  if (error) return message_of(image->library, error);
  *address = (void *)(uintptr_t)found;
  return NULL;
}

void cllvm_unload(cllvm_image *image) {
  handle error = image->library->LLVMOrcDisposeLLJIT(image->jit);
  if (error) free(message_of(image->library, error));
  free(image);
}
