/* Postern: asks whether an attempt to log in passes, for hosts that are neither PAM nor SASL.
 *
 * Link with -lpostern. Nothing is kept between two calls but what was asked for at postern_open; a process may fork
 * between them. One handle serves one thread at a time. */
#ifndef POSTERN_H
#define POSTERN_H

#ifdef __cplusplus
extern "C" {
#endif

/* A session, to be closed. */
typedef struct postern postern;

/* Opens a session. `choice` is NULL, or one of
 *
 *   "socket=PATH"  ask posternd there
 *   "config=PATH"  decide in this process, by this configuration; it must be able to read the store
 *
 * With NULL root decides in its own process by /etc/postern/postern.toml, and anybody else asks posternd at
 * /run/postern/verify. Opens nothing yet. NULL if `choice` is not understood. */
postern *postern_open(const char *choice);

/* Decides one attempt, spends what it uses up, and leaves one line in the log (authpriv). All strings end in a NUL:
 *
 *   account      who logs in, at most 320 octets
 *   secret       the password field: an app password, or the primary password with a code directly behind it; at
 *                most 512 octets
 *   service      what is logged in to, such as "imap" or "smtp"
 *   remote_host  the address of the client, or NULL or "" if there is none; a name lies in no network
 *
 * 1 if the attempt passes, and 0 if it does not, whatever the reason. Takes at most five seconds, but for what a PAM module
 * does to check a primary password in this process. */
int postern_verify(postern *session, const char *account, const char *secret, const char *service,
                   const char *remote_host);

/* One word about the last attempt, for a host that answers "no" and "not now" differently; it is static:
 *
 *   "granted", "denied", "throttled" (too many, later), "unavailable" (something is broken), "out-of-memory",
 *   "not-asked" (there was no attempt yet)
 *
 * Why an attempt was denied is in the log alone. */
const char *postern_reason(const postern *session);

/* Closes a session; NULL is none. */
void postern_close(postern *session);

#ifdef __cplusplus
}
#endif

#endif
