/* SPDX-License-Identifier: MIT */
/* Names to addresses. getaddrinfo() blocks, so each lookup has a thread of its own. A cancelled
 * lookup runs on, and its result is dropped. */

#include "address.h"
#include "streams.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Shared by the loop and the thread: the loop frees it, or the thread where the loop has gone. */
struct lookup {
	struct list link; /* streams->lookups */
	pthread_mutex_t lock;
	weft_loop *loop;	  /* under `lock`; NULL: closed */
	struct weft_future *done; /* on the task's stack; NULL: it no longer waits */
	struct addrinfo hints;
	struct addrinfo *found;
	bool told;     /* under `lock`: the loop has been told */
	bool answered; /* ... and has seen it */
	int status;    /* getaddrinfo()'s */
	char host[256];
};

static void lookup_free(struct lookup *lookup)
{
	list_remove(&lookup->link);
	if (lookup->found)
		freeaddrinfo(lookup->found);
	pthread_mutex_destroy(&lookup->lock);
	free(lookup);
}

/* In the loop's thread. */
static void arrived(void *arg)
{
	struct lookup *lookup = arg;

	/* The thread that told us still holds the lock, perhaps; then it is through with it. */
	pthread_mutex_lock(&lookup->lock);
	pthread_mutex_unlock(&lookup->lock);
	lookup->answered = true;
	if (!lookup->done)
		lookup_free(lookup);
	else if (!weft_future_done(lookup->done))
		future_complete(lookup->done, FUTURE_FINISHED, 0);
}

/* Tells the loop, under the lock. False: memory is short just now. */
static bool tell(struct lookup *lookup)
{
	if (lookup->loop)
		lookup->told = weft_call_soon_threadsafe(lookup->loop, arrived, lookup) == 0;
	return lookup->told || !lookup->loop;
}

static void *look_up(void *arg)
{
	struct lookup *lookup = arg;
	bool settled, abandoned;

	lookup->status = getaddrinfo(lookup->host, NULL, &lookup->hints, &lookup->found);
	do {
		pthread_mutex_lock(&lookup->lock);
		settled = tell(lookup);
		abandoned = !lookup->loop;
		pthread_mutex_unlock(&lookup->lock);
	} while (!settled && sched_yield() == 0);
	if (abandoned)
		lookup_free(lookup);
	return NULL;
}

void lookup_abandon(struct list *link)
{
	struct lookup *lookup = list_entry(link, struct lookup, link);
	bool told;

	list_remove(link);
	pthread_mutex_lock(&lookup->lock);
	told = lookup->told;
	lookup->loop = NULL;
	pthread_mutex_unlock(&lookup->lock);
	if (told) /* the thread is through with it, and the loop will not run what it was told */
		lookup_free(lookup);
}

static int start_thread(struct lookup *lookup)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;
	int r;

	sigfillset(&all); /* signals are the loop's thread's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attributes, look_up, lookup);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

static int lookup_start(
	const char *host, bool passive, struct weft_future *done, struct lookup **ret_lookup)
{
	struct streams *streams;
	struct lookup *lookup;
	int r;

	r = streams_of(loop_here, &streams);
	if (r < 0)
		return r;
	lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return -ENOMEM;
	list_init(&lookup->link);
	pthread_mutex_init(&lookup->lock, NULL);
	lookup->loop = loop_here;
	lookup->done = done;
	lookup->hints.ai_socktype = SOCK_STREAM;
	lookup->hints.ai_flags = passive ? AI_PASSIVE : AI_ADDRCONFIG;
	memcpy(lookup->host, host, strlen(host) + 1);
	r = start_thread(lookup);
	if (r < 0) {
		lookup_free(lookup);
		return r;
	}
	list_append(&streams->lookups, &lookup->link);
	*ret_lookup = lookup;
	return 0;
}

static in_port_t port_of(const struct address *address)
{
	return address->socket.v4.sin_port; /* at the same place in IPv6's */
}

static int copy_found(const struct lookup *lookup, in_port_t port, struct address *list)
{
	int n = 0;

	for (struct addrinfo *a = lookup->found; a && n < ADDRESSES_MAX; a = a->ai_next) {
		if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
			continue;
		list[n] = (struct address){.bytes = a->ai_addrlen};
		memcpy(&list[n].socket, a->ai_addr, a->ai_addrlen);
		list[n].socket.v4.sin_port = port;
		n++;
	}
	return n;
}

static int status_error(int status)
{
	switch (status) {
	case EAI_AGAIN:
	case EAI_FAIL:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	default:
		return -ENOENT;
	}
}

static const struct weft_future_ops resolve_ops = {.name = "name resolution"};

static int resolve(const char *host, bool passive, in_port_t port, struct address *list)
{
	struct weft_future done = {.ops = &resolve_ops, .loop = loop_here};
	struct lookup *lookup;
	int r;

	r = lookup_start(host, passive, &done, &lookup);
	if (r < 0)
		return r;
	weft_loop_hold(done.loop);
	r = park(&done, NULL);
	weft_loop_unhold(done.loop);
	free(done.error);
	if (done.state != FUTURE_FINISHED) { /* cancelled: the thread's answer finds nobody */
		lookup->done = NULL;
		if (lookup->answered) /* or has come already, just before us */
			lookup_free(lookup);
		return r;
	}
	if (r == 0 && lookup->status != 0)
		r = weft_raise(status_error(lookup->status), "cannot resolve \"%s\": %s", host,
			gai_strerror(lookup->status));
	else if (r == 0)
		r = copy_found(lookup, port, list);
	lookup_free(lookup);
	return r == 0 ? -ENOENT : r;
}

static bool have_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

int address_resolve(const char *text, bool passive, struct address list[ADDRESSES_MAX])
{
	struct address_parts parts;
	const char *problem;
	int r;

	r = address_parse(text, &parts, &problem);
	if (r < 0)
		return weft_raise(r, "bad address \"%s\": %s", text ? text : "", problem);
	if (*parts.host)
		return resolve(parts.host, passive, port_of(&parts.address), list);
	if (parts.any && !passive)
		return weft_raise(-EINVAL, "bad address \"%s\": it lacks the host", text);
	list[0] = parts.address;
	if (parts.any && have_ipv6()) { /* which takes IPv4 as well */
		list[0].socket.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
			.sin6_addr = IN6ADDR_ANY_INIT,
			.sin6_port = port_of(&parts.address)};
		list[0].bytes = sizeof(list[0].socket.v6);
	}
	return 1;
}
