/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_OPTION_VALUE_H
#define DAEMON_OPTION_VALUE_H

/* A plugin's options: what their declarations allow. */

#include <stddef.h>
#include <stdint.h>

#include <weft/plugin.h>

/* Whether `text` is a value of the option. 0, with the number that weft_host_number() gives
 * (INT64_MIN: it has none); -EINVAL with the reason in `problem` (cut to `bytes`). */
int option_value_parse(const struct weft_option *option, const char *text, int64_t *ret_number,
	char *problem, size_t bytes);

/* What kind of value the option takes, for people: "an address, as in tcp:127.0.0.1:7007". */
const char *option_value_kind(const struct weft_option *option);

/* Whether a declaration makes sense, its default included. -EINVAL with the reason. */
int option_value_check_declaration(const struct weft_option *option, char *problem, size_t bytes);

#endif
