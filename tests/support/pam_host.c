/* A PAM application for tests: one transaction after another against a private service directory.
 *
 *   pam_host DIRECTORY SERVICE USER [rhost=HOST] [conversation=MODE] [times=N] [census=N] [setcred] [lines]
 *            [between=COMMAND] [becomes=USER] [authenticate] [tell] [stay]
 *
 * The password is all of stdin; with `lines` each question gets a line of its own, and the questions are printed. Each
 * transaction prints one line of codes; with `tell`, what modules sent to syslog(3) ends it. `census=N` prints what a
 * module could have changed in this process: before the first transaction, after the Nth, and after the last. `stay`
 * keeps the process after the last line. Between authentication and the account phase, COMMAND is run by the shell and
 * PAM_USER becomes USER. MODE breaks the conversation in one of the ways that pam_conv(3) allows:
 * error, null-array, null-text, none. */
#include <security/pam_appl.h>
#include <security/pam_modules.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "census.h"

static char password[1 << 20];
static const char *mode = "answer";
static int by_line = 0, only_authenticate = 0;
static char asked[4096];
static int tell = 0;
static char said[8192];
static const char *between = NULL, *becomes = NULL;

/* In the place of syslog(3), which libpam calls under the name that _FORTIFY_SOURCE gives it. */
void __syslog_chk(int priority, int flag, const char *format, ...)
{
    (void)priority, (void)flag;
    va_list arguments;
    va_start(arguments, format);
    size_t used = strlen(said);
    vsnprintf(said + used, sizeof said - used, format, arguments);
    va_end(arguments);
}

/* The next line of stdin. */
static char *next_line(void)
{
    static char *rest = password;
    char *line = rest, *end = strchr(rest, '\n');
    rest = end == NULL ? rest + strlen(rest) : end + 1;
    return end == NULL ? strdup(line) : strndup(line, end - line);
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
    (void)data;
    if (strcmp(mode, "error") == 0)
        return PAM_CONV_ERR;
    *responses = NULL;
    if (strcmp(mode, "null-array") == 0)
        return PAM_SUCCESS;
    struct pam_response *array = calloc(count, sizeof *array);
    for (int place = 0; place < count && strcmp(mode, "null-text") != 0; place++)
    {
        array[place].resp = by_line ? next_line() : strdup(password);
        snprintf(asked + strlen(asked), sizeof asked - strlen(asked), "[%s]", messages[place]->msg);
    }
    *responses = array;
    return PAM_SUCCESS;
}

static void transact(const char *directory, const char *service, const char *user, const char *rhost, int setcred)
{
    struct pam_conv conversation = {strcmp(mode, "none") == 0 ? NULL : converse, NULL};
    pam_handle_t *handle = NULL;
    int started = pam_start_confdir(service, user, &conversation, directory, &handle);
    if (started != PAM_SUCCESS) {
        printf("start=%d\n", started);
        return;
    }
    if (rhost != NULL)
        pam_set_item(handle, PAM_RHOST, rhost);
    asked[0] = said[0] = '\0';
    int authenticated = pam_authenticate(handle, 0);
    if (between != NULL && system(between) != 0)
        exit(3);
    if (becomes != NULL)
        pam_set_item(handle, PAM_USER, becomes);
    int account = only_authenticate ? 0 : pam_acct_mgmt(handle, 0);
    int set = setcred ? pam_setcred(handle, PAM_ESTABLISH_CRED) : 0;
    const void *name = NULL;
    pam_get_item(handle, PAM_USER, &name);
    printf("authenticate=%d account=%d setcred=%d user=%s", authenticated, account, set, name == NULL ? "" : (const char *)name);
    if (by_line)
        printf(" asked=%s", asked);
    printf(tell ? " said=%s\n" : "\n", said);
    fflush(stdout);
    pam_end(handle, account);
}

int main(int count, char **words)
{
    if (count < 4)
        return 2;
    const char *rhost = NULL;
    int times = 1, setcred = 0, counted = 0, stay = 0;
    for (int place = 4; place < count; place++) {
        if (strncmp(words[place], "rhost=", 6) == 0)
            rhost = words[place] + 6;
        else if (strncmp(words[place], "conversation=", 13) == 0)
            mode = words[place] + 13;
        else if (strncmp(words[place], "times=", 6) == 0)
            times = atoi(words[place] + 6);
        else if (strncmp(words[place], "census=", 7) == 0)
            counted = atoi(words[place] + 7);
        else if (strncmp(words[place], "between=", 8) == 0)
            between = words[place] + 8;
        else if (strncmp(words[place], "becomes=", 8) == 0)
            becomes = words[place] + 8;
        else if (strcmp(words[place], "setcred") == 0)
            setcred = 1;
        else if (strcmp(words[place], "lines") == 0)
            by_line = 1;
        else if (strcmp(words[place], "authenticate") == 0)
            only_authenticate = 1;
        else if (strcmp(words[place], "tell") == 0)
            tell = 1;
        else if (strcmp(words[place], "stay") == 0)
            stay = 1;
        else
            return 2;
    }
    size_t length = fread(password, 1, sizeof password - 1, stdin);
    password[length] = '\0';
    if (counted > 0)
        census();
    for (int turn = 1; turn <= times; turn++) {
        transact(words[1], words[2], words[3], rhost, setcred);
        if (counted > 0 && (turn == counted || turn == times))
            census();
    }
    fflush(stdout);
    while (stay)
        pause();
    return 0;
}
