/*
 * A stand-in for kopia: not the real one, and it says so. It backs nothing up. What it shares with the real one is the way it is
 * installed (file capabilities chown, dac_override, fowner), so that whether it starts, and what it may then read, copy and
 * chown, is decided by the kernel exactly as for the real one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kopia_repository.c"

static int complain(const char *action, const char *path) {
    fprintf(stderr, "kopia stand-in: cannot %s %s: %s\n", action, path, strerror(errno));
    return 1;
}

static int pour(int from, int to) {
    char buffer[65536];
    ssize_t got;
    while ((got = read(from, buffer, sizeof buffer)) > 0)
        for (ssize_t put = 0; put < got;) {
            ssize_t step = write(to, buffer + put, got - put);
            if (step < 0) return -1;
            put += step;
        }
    return got < 0 ? -1 : 0;
}

static int show_file(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return complain("open", path);
    return pour(file, STDOUT_FILENO) ? complain("read", path) : 0;
}

static int copy_tree(const char *source, const char *target);

static int copy_file(const char *source, const char *target) {
    int from = open(source, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0) return complain("open", source);
    int to = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0) {
        close(from);
        return complain("create", target);
    }
    int failed = pour(from, to);
    close(from);
    return (close(to) || failed) ? complain("copy", source) : 0;
}

static int copy_link(const char *source, const char *target) {
    char value[4096];
    ssize_t length = readlink(source, value, sizeof value - 1);
    if (length < 0) return complain("read link", source);
    value[length] = 0;
    unlink(target);
    return symlink(value, target) ? complain("create link", target) : 0;
}

static int copy_folder(const char *source, const char *target) {
    if (mkdir(target, 0700) && errno != EEXIST) return complain("create folder", target);
    DIR *folder = opendir(source);
    if (!folder) return complain("list", source);
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char *from, *to;
        if (asprintf(&from, "%s/%s", source, entry->d_name) < 0 || asprintf(&to, "%s/%s", target, entry->d_name) < 0) abort();
        failed |= copy_tree(from, to);
        free(from);
        free(to);
    }
    closedir(folder);
    return failed;
}

/* Owner, mode and time are set last: chown clears set-id bits, and filling a folder changes its time. */
static int copy_tree(const char *source, const char *target) {
    struct stat seen;
    if (lstat(source, &seen)) return complain("look at", source);
    int failed;
    if (S_ISDIR(seen.st_mode)) failed = copy_folder(source, target);
    else if (S_ISLNK(seen.st_mode)) failed = copy_link(source, target);
    else if (S_ISREG(seen.st_mode)) failed = copy_file(source, target);
    else {
        fprintf(stderr, "kopia stand-in: skipped %s: neither file, folder nor link\n", source);
        return 0;
    }
    if (failed) return failed;
    if (lchown(target, seen.st_uid, seen.st_gid)) failed |= complain("set the owner of", target);
    if (!S_ISLNK(seen.st_mode) && chmod(target, seen.st_mode & 07777)) failed |= complain("set the mode of", target);
    struct timespec times[2] = {seen.st_atim, seen.st_mtim};
    if (utimensat(AT_FDCWD, target, times, AT_SYMLINK_NOFOLLOW)) failed |= complain("set the time of", target);
    return failed;
}

static int change_owner(const char *uid, const char *path) {
    char *end;
    unsigned long owner = strtoul(uid, &end, 10);
    if (*uid == 0 || *end) {
        fprintf(stderr, "kopia stand-in: %s is not a user number\n", uid);
        return 2;
    }
    return lchown(path, (uid_t)owner, (gid_t)-1) ? complain("set the owner of", path) : 0;
}

static int show_usage(void) {
    puts("kopia stand-in (not the real kopia)\n"
         "usage: kopia --version | cat FILE | chown UID FILE | copy SOURCE TARGET\n"
         "       kopia repository create filesystem | snapshot create FILE | restore ID TARGET, with their usual flags");
    char line[256];
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status))
        if (!strncmp(line, "CapEff:", 7) || !strncmp(line, "NoNewPrivs:", 11)) fputs(line, stdout);
    return 0;
}

int main(int count, char **words) {
    if (count == 1) return show_usage();
    if (count == 2 && !strcmp(words[1], "--version")) return puts("kopia stand-in 1 (not the real kopia)") < 0;
    if (count == 3 && !strcmp(words[1], "cat")) return show_file(words[2]);
    if (count == 4 && !strcmp(words[1], "chown")) return change_owner(words[2], words[3]);
    if (count == 4 && !strcmp(words[1], "copy")) return copy_tree(words[2], words[3]);
    if (count > 3 && !strcmp(words[1], "repository") && !strcmp(words[2], "create")) return create_repository(words + 1);
    if (count > 3 && !strcmp(words[1], "snapshot") && !strcmp(words[2], "create")) return create_snapshot(words + 1);
    if (count > 3 && !strcmp(words[1], "restore")) return restore_snapshot(words + 1);
    fputs("kopia stand-in: no such command\n", stderr);
    return 2;
}
