/* Asks for a password and says whether it passes: login ACCOUNT SERVICE [CHOICE [ADDRESS]]
 *
 * cc -o login login.c -lpostern */
#include <postern.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **words)
{
    char secret[1024];
    if (count < 3 || fgets(secret, sizeof secret, stdin) == NULL)
        return 2;
    secret[strcspn(secret, "\n")] = '\0';

    postern *session = postern_open(count > 3 ? words[3] : NULL);
    if (session == NULL) {
        fprintf(stderr, "login: %s is not understood\n", words[3]);
        return 2;
    }
    int passes = postern_verify(session, words[1], secret, words[2], count > 4 ? words[4] : NULL);
    printf("%s\n", postern_reason(session));
    postern_close(session);
    explicit_bzero(secret, sizeof secret);
    return passes ? 0 : 1;
}
