/* SPDX-License-Identifier: MIT */
/* Plugins that must be refused: built once for each BROKEN_..., with one thing wrong. */

#include <stdio.h>
#include <stdlib.h>
#include <weft/plugin.h>

/* What WEFT_PLUGIN writes, with parts to be replaced. */
#define NOTE(abi_, bytes_)                                                              \
	__attribute__((section(".note.weft"), used,                                     \
		aligned(4))) static const struct weft_plugin_note weft_plugin_note_ = { \
		5, 12, 1, "weft\0\0\0", WEFT_PLUGIN_MAGIC, abi_, bytes_}
#define DESCRIPTOR(...)                                       \
	WEFT_API extern const struct weft_plugin weft_plugin; \
	const struct weft_plugin weft_plugin = {__VA_ARGS__}
#define BYTES ((uint32_t)sizeof(struct weft_plugin))
#define OPTIONS(...) \
	WEFT_PLUGIN(.name = "broken", .main = nothing, .options = WEFT_OPTIONS(__VA_ARGS__))

static int nothing(weft_host *host)
{
	weft_host_ready(host);
	return 0;
}

/* Named, so that a build that leaves it out is no error. */
const void *broken_main(void);
const void *broken_main(void)
{
	return (const void *)(uintptr_t)nothing;
}

#if defined(BROKEN_constructor)
/* Nothing is wrong with this one, until a test changes its ABI. */
__attribute__((constructor)) static void leave_a_trace(void)
{
	const char *path = getenv("TRACE_FILE");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (file)
		fclose(file);
}
WEFT_PLUGIN(.name = "broken", .main = nothing);
#elif defined(BROKEN_note)
DESCRIPTOR(WEFT_PLUGIN_MAGIC, WEFT_PLUGIN_ABI, BYTES, 0, "broken", "1", NULL, nothing, NULL, 0);
#elif defined(BROKEN_symbol)
NOTE(WEFT_PLUGIN_ABI, BYTES);
#elif defined(BROKEN_magic)
NOTE(WEFT_PLUGIN_ABI, BYTES);
DESCRIPTOR(1, WEFT_PLUGIN_ABI, BYTES, 0, "broken", "1", NULL, nothing, NULL, 0);
#elif defined(BROKEN_differ)
NOTE(WEFT_PLUGIN_ABI, BYTES);
DESCRIPTOR(WEFT_PLUGIN_MAGIC, WEFT_PLUGIN_ABI + 1, BYTES, 0, "broken", "1", NULL, nothing, NULL, 0);
#elif defined(BROKEN_bytes)
NOTE(WEFT_PLUGIN_ABI, 8);
DESCRIPTOR(WEFT_PLUGIN_MAGIC, WEFT_PLUGIN_ABI, 8, 0, "broken", "1", NULL, nothing, NULL, 0);
#elif defined(BROKEN_flags)
WEFT_PLUGIN(.flags = 6, .name = "broken", .main = nothing);
#elif defined(BROKEN_name)
WEFT_PLUGIN(.main = nothing);
#elif defined(BROKEN_main)
WEFT_PLUGIN(.name = "broken");
#elif defined(BROKEN_stack)
WEFT_PLUGIN(.name = "broken", .main = nothing, .stack_bytes = 4096);
#elif defined(BROKEN_undefined)
int not_defined_anywhere(weft_host *host);
WEFT_PLUGIN(.name = "broken", .main = not_defined_anywhere);
#elif defined(BROKEN_option_twice)
OPTIONS({"a", WEFT_OPTION_STRING, "x"}, {"a", WEFT_OPTION_STRING, "x"});
#elif defined(BROKEN_option_reserved)
OPTIONS({"restart", WEFT_OPTION_STRING, "x"});
#elif defined(BROKEN_option_name)
OPTIONS({"a b", WEFT_OPTION_STRING, "x"});
#elif defined(BROKEN_option_type)
OPTIONS({"a", (enum weft_option_type)99, "x"});
#elif defined(BROKEN_option_choices)
OPTIONS({"a", WEFT_OPTION_CHOICE, "x"});
#elif defined(BROKEN_option_bounds)
OPTIONS({"a", WEFT_OPTION_INT, "5", NULL, NULL, 9, 1});
#elif defined(BROKEN_option_default)
OPTIONS({"a", WEFT_OPTION_DURATION, "5"});
#elif defined(BROKEN_execstack)
WEFT_PLUGIN(.name = "broken", .main = nothing);
#else
#error "say what is to be broken"
#endif
