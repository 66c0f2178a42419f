/* SPDX-License-Identifier: MIT */
#ifndef WEFT_PLUGIN_H
#define WEFT_PLUGIN_H

/* What a plugin of weftd is: one data symbol and one coroutine. See weft-plugin(7).
 *
 * What the coroutine does before weft_host_ready() is initialisation, what it does after its loop
 * is clean-up, and being stopped is being cancelled. Every instance of a plugin runs its own
 * coroutine; static variables are shared between them. Include this header in one source file of
 * the plugin only. */

#include <stdarg.h>
#include <string.h>

#include <weft/weft.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The ABI that this header describes. It is raised by one whenever a plugin built against an older
 * header needs to be built anew or gains something that it can ask for; weftd says which range it
 * hosts. */
#define WEFT_PLUGIN_ABI	  2
#define WEFT_PLUGIN_MAGIC UINT32_C(0x74666577) /* "weft" */

enum weft_option_type {
	WEFT_OPTION_STRING,
	WEFT_OPTION_BOOL,     /* yes no true false on off 1 0 */
	WEFT_OPTION_INT,      /* decimal, within min and max */
	WEFT_OPTION_SIZE,     /* bytes: 4096, 64K, 16M, 1G (powers of 1024) */
	WEFT_OPTION_DURATION, /* 100us, 250ms, 10s, 5min, 2h, 1d, or "never" */
	WEFT_OPTION_ADDRESS,  /* tcp:HOST:PORT, unix:/PATH: see <weft/stream.h> */
	WEFT_OPTION_CHOICE,   /* one of the words in `choices`, "lines|raw" */
};

struct weft_option {
	const char *name;
	enum weft_option_type type;
	const char *value; /* the default, as it would stand in the ini file; NULL: the option must
			      be set */
	const char *doc;   /* one line */
	const char *choices; /* WEFT_OPTION_CHOICE */
	int64_t min, max;    /* WEFT_OPTION_INT, _SIZE (bytes), _DURATION (ns); both 0: no bounds */
};

typedef struct weft_host weft_host;

/* The exported descriptor, the data symbol `weft_plugin`. */
struct weft_plugin {
	uint32_t magic;
	uint32_t abi;
	uint32_t bytes; /* sizeof(struct weft_plugin) where the plugin was built */
	uint32_t flags; /* none yet: 0 */
	const char *name;
	const char *version;
	const char *doc; /* one line; may be NULL */
	int (*main)(weft_host *host);
	const struct weft_option *options; /* ends with a name of NULL */
	size_t stack_bytes;		   /* of main's task; 0: the loop's default */
};

/* The declared options, a row each: { name, type, default, doc, choices, min, max }; trailing
 * members may be left out. */
#define WEFT_OPTIONS(...) ((const struct weft_option[]){__VA_ARGS__, {.name = NULL}})

/* Defines the descriptor, and an ELF note with the ABI that weftd reads before it loads the file.
 */
#define WEFT_PLUGIN(...)                                                                         \
	__attribute__((section(".note.weft"), used,                                              \
		aligned(4))) static const struct weft_plugin_note weft_plugin_note_ = {5, 12, 1, \
		"weft\0\0\0", WEFT_PLUGIN_MAGIC, WEFT_PLUGIN_ABI, sizeof(struct weft_plugin)};   \
	WEFT_API extern const struct weft_plugin weft_plugin;                                    \
	_Pragma("GCC diagnostic push")                                                           \
		_Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"")               \
			const struct weft_plugin weft_plugin = {.magic = WEFT_PLUGIN_MAGIC,      \
				.abi = WEFT_PLUGIN_ABI,                                          \
				.bytes = sizeof(struct weft_plugin),                             \
				__VA_ARGS__};                                                    \
	_Pragma("GCC diagnostic pop") extern const struct weft_plugin weft_plugin

struct weft_plugin_note {
	uint32_t name_bytes, desc_bytes, type;
	char name[8];
	uint32_t magic, abi, descriptor_bytes;
};

enum weft_log_level {
	WEFT_LOG_ERROR = 3, /* syslog's numbers */
	WEFT_LOG_WARNING = 4,
	WEFT_LOG_NOTICE = 5,
	WEFT_LOG_INFO = 6,
	WEFT_LOG_DEBUG = 7,
};

/* What the host does for an instance; call the functions below. New members come at the end, and
 * raise WEFT_PLUGIN_ABI. */
struct weft_host {
	uint32_t abi;
	uint32_t bytes;
	const char *(*name)(weft_host *host);
	const char *(*setting)(weft_host *host, const char *option);
	int64_t (*number)(weft_host *host, const char *option);
	void (*ready)(weft_host *host);
	void (*status)(weft_host *host, const char *text);
	void (*log)(weft_host *host, int level, const char *format, va_list arguments);
};

/* The name of the instance: the NAME of its section [plugin:NAME]. */
static inline const char *weft_host_name(weft_host *host)
{
	return host->name(host);
}

/* The value of a declared option, as it stands in the ini file or its default; NULL for an option
 * that was not declared. Valid as long as the instance. */
static inline const char *weft_host_setting(weft_host *host, const char *option)
{
	return host->setting(host, option);
}

/* The same as a number: INT as it is, BOOL 0 or 1, SIZE in bytes, DURATION in ns (WEFT_NEVER for
 * "never"), CHOICE the index among its choices. The value was checked when the file was read.
 * INT64_MIN for an option that has no number. */
static inline int64_t weft_host_number(weft_host *host, const char *option)
{
	return host->number(host, option);
}

/* Initialisation is over: the instance serves. weftd is ready when all its instances are. */
static inline void weft_host_ready(weft_host *host)
{
	host->ready(host);
}

/* One line on what the instance is doing, shown by `systemctl status`. Copied, cut at 127 bytes. */
static inline void weft_host_status(weft_host *host, const char *text)
{
	host->status(host, text);
}

/* Logs a line under the instance's and the task's name. Never suspends. */
static inline void weft_host_log(weft_host *host, int level, const char *format, ...)
	WEFT_PRINTF(3, 4);
static inline void weft_host_log(weft_host *host, int level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	host->log(host, level, format, arguments);
	va_end(arguments);
}

#ifdef __cplusplus
}
#endif
#endif
