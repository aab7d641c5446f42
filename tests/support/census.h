/* What a module could leave changed in the process of its host: one line that must stay as it is, one of memory. */
#include <dirent.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

extern char **environ;

static void census_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char path[300], target[256];
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(directory))
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        printf(" fd%s=%.*s", entry->d_name, length < 0 ? 0 : (int)length, target);
    }
    if (directory != NULL)
        closedir(directory);
}

static void census_signals(void)
{
    for (int number = 1; number <= SIGRTMAX; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && (action.sa_handler != SIG_DFL || action.sa_flags != 0))
            printf(" signal%d=%p,%x", number, *(void **)&action.sa_handler, action.sa_flags);
    }
}

/* Lines of /proc/self/status that begin with one of these words. */
static void census_status(const char *const *wanted)
{
    char line[512];
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        for (const char *const *word = wanted; *word != NULL; word++)
            if (strncmp(line, *word, strlen(*word)) == 0)
                printf(" %s", line);
    }
    if (status != NULL)
        fclose(status);
}

static void census(void)
{
    static const char *const fixed[] = {"Umask:", "Uid:", "Gid:", "Groups:", "Threads:", "SigPnd:", "ShdPnd:",
                                        "SigBlk:", "SigIgn:", "SigCgt:", "CapEff:", "NoNewPrivs:", "Seccomp:", NULL};
    static const char *const memory[] = {"VmRSS:", "VmData:", NULL};
    char directory[4096];
    printf("census");
    census_descriptors();
    census_signals();
    census_status(fixed);
    printf(" locale=%s cwd=%s", setlocale(LC_ALL, NULL), getcwd(directory, sizeof directory));
    for (char **variable = environ; *variable != NULL; variable++)
        printf(" env:%s", *variable);
    struct mallinfo2 heap = mallinfo2();
    printf("\nmemory");
    census_status(memory);
    printf(" used: %zu\n", heap.uordblks + heap.hblkhd);
}
