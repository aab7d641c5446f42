/* A SASL application for tests: one conversation after another, as a mail server holds them.
 *
 *   sasl_host MECHANISM [initial] [remote=ADDRESS;PORT] [realm=REALM] [ssf=N] [min_ssf=N] [noplaintext]
 *             [later_ssf=N] [times=N] [list]
 *
 * The client's messages are the lines of stdin in hexadecimal; with `initial` the first of them comes with the
 * mechanism's name. Each conversation prints one line. `list` prints the mechanisms that are offered instead, twice:
 * before and after the layer below the connection becomes `later_ssf` strong, as by STARTTLS; and what the process holds
 * then. What libsasl logs goes to stderr. */
#include <dirent.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_MESSAGES 8
#define MOST_OCTETS 200000

static char *messages[MOST_MESSAGES];
static unsigned lengths[MOST_MESSAGES];
static int message_count = 0;
static char *remote = NULL, *realm = NULL;
static unsigned ssf = 0, later_ssf = 0;
static sasl_security_properties_t wanted = {.max_ssf = 256, .maxbufsize = 4096};
static int initial = 0;

static int log_line(void *context, int level, const char *text)
{
    (void)context;
    fprintf(stderr, "log[%d] %s\n", level, text);
    return SASL_OK;
}

/* How many entries a directory has. */
static int entries(const char *path)
{
    int found = 0;
    DIR *directory = opendir(path);
    while (directory != NULL && readdir(directory) != NULL)
        found++;
    closedir(directory);
    return found;
}

static void read_messages(void)
{
    static char line[2 * MOST_OCTETS + 2];
    while (message_count < MOST_MESSAGES && fgets(line, sizeof line, stdin) != NULL) {
        unsigned length = strcspn(line, "\n") / 2;
        char *message = malloc(length + 1);
        for (unsigned place = 0; place < length; place++) {
            unsigned octet;
            sscanf(line + 2 * place, "%2x", &octet);
            message[place] = (char)octet;
        }
        message[length] = '\0';
        messages[message_count] = message;
        lengths[message_count++] = length;
    }
}

static sasl_conn_t *connection(void)
{
    sasl_conn_t *made = NULL;
    int code = sasl_server_new("smtp", "mail.example.org", realm, NULL, remote, NULL, SASL_SUCCESS_DATA, &made);
    if (code != SASL_OK) {
        printf("new=%d\n", code);
        exit(1);
    }
    sasl_setprop(made, SASL_SEC_PROPS, &wanted);
    sasl_setprop(made, SASL_SSF_EXTERNAL, &ssf);
    return made;
}

static void list(sasl_conn_t *made)
{
    const char *mechanisms = "";
    if (sasl_listmech(made, NULL, "", " ", "", &mechanisms, NULL, NULL) != SASL_OK)
        mechanisms = "";
    printf("[%s]", mechanisms);
}

static void converse(const char *mechanism)
{
    sasl_conn_t *made = connection();
    const char *challenge = NULL, *user = NULL, *authid = NULL;
    unsigned length = 0;
    int next = 0, code;
    if (initial && message_count > 0) {
        code = sasl_server_start(made, mechanism, messages[0], lengths[0], &challenge, &length);
        next = 1;
    } else {
        code = sasl_server_start(made, mechanism, NULL, 0, &challenge, &length);
    }
    printf("asked=");
    while (code == SASL_CONTINUE && next <= message_count) {
        printf("[%.*s]", (int)length, challenge == NULL ? "" : challenge);
        if (next == message_count)
            break;
        code = sasl_server_step(made, messages[next], lengths[next], &challenge, &length);
        next++;
    }
    printf(" code=%d detail=%s", code, sasl_errdetail(made));
    if (code == SASL_OK) {
        sasl_getprop(made, SASL_USERNAME, (const void **)&user);
        sasl_getprop(made, SASL_AUTHUSER, (const void **)&authid);
    }
    printf(" user=%s authid=%s\n", user == NULL ? "" : user, authid == NULL ? "" : authid);
    fflush(stdout);
    sasl_dispose(&made);
}

int main(int count, char **words)
{
    int times = 1, listing = 0;
    if (count < 2)
        return 2;
    for (int place = 2; place < count; place++) {
        char *word = words[place];
        if (strcmp(word, "initial") == 0)
            initial = 1;
        else if (strncmp(word, "remote=", 7) == 0)
            remote = word + 7;
        else if (strncmp(word, "realm=", 6) == 0)
            realm = word + 6;
        else if (strncmp(word, "ssf=", 4) == 0)
            ssf = atoi(word + 4);
        else if (strncmp(word, "later_ssf=", 10) == 0)
            later_ssf = atoi(word + 10);
        else if (strncmp(word, "min_ssf=", 8) == 0)
            wanted.min_ssf = atoi(word + 8);
        else if (strcmp(word, "noplaintext") == 0)
            wanted.security_flags = SASL_SEC_NOPLAINTEXT;
        else if (strncmp(word, "times=", 6) == 0)
            times = atoi(word + 6);
        else if (strcmp(word, "list") == 0)
            listing = 1;
        else
            return 2;
    }
    read_messages();
    sasl_callback_t callbacks[] = {{SASL_CB_LOG, (int (*)(void))(void (*)(void))log_line, NULL}, {SASL_CB_LIST_END, NULL, NULL}};
    int code = sasl_server_init(callbacks, "host");
    if (code != SASL_OK) {
        printf("init=%d\n", code);
        return 1;
    }
    if (listing) {
        sasl_conn_t *made = connection();
        list(made);
        sasl_setprop(made, SASL_SSF_EXTERNAL, &later_ssf);
        list(made);
        sasl_dispose(&made);
        printf(" files=%d threads=%d\n", entries("/proc/self/fd"), entries("/proc/self/task"));
    } else {
        for (int turn = 0; turn < times; turn++)
            converse(words[1]);
    }
    sasl_done();
    for (int place = 0; place < message_count; place++)
        free(messages[place]);
    return 0;
}
