#ifndef CAIRN_CREADLINE_SHIM_H
#define CAIRN_CREADLINE_SHIM_H

#include <stdio.h>

#include <readline/history.h>
#include <readline/readline.h>

/* Swift refuses C's global variables: these functions are the way to them. */
static inline const char *cairn_rl_text(void) { return rl_line_buffer ? rl_line_buffer : ""; }
static inline int cairn_rl_point(void) { return rl_point; }
static inline int cairn_rl_end(void) { return rl_end; }
static inline void cairn_rl_move(int point) { rl_point = point < 0 ? 0 : point > rl_end ? rl_end : point; }

/* Signals are the program's business: readline would raise them again and end it. */
static inline void cairn_rl_prepare(void) {
  rl_readline_name = "cairn";
  rl_catch_signals = 0;
  rl_catch_sigwinch = 1;
  rl_change_environment = 0;
}

#endif
