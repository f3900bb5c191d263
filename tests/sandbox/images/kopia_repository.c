/*
 * The three commands of kopia that `oc gsb verify` uses, in miniature: repository create filesystem, snapshot create of one
 * file, restore of it. Same words, same order of system calls, same forgiving of permission errors in a restore as kopia 0.19;
 * nothing is split, compressed or encrypted. Included by kopia_standin.c.
 */
#include <stdarg.h>
#include <stdint.h>

static int pour(int from, int to);
static int complain(const char *action, const char *path);

/* The value of --NAME=VALUE; "" for --NAME, NULL when it is not there. */
static const char *option(char **words, const char *name) {
    size_t length = strlen(name);
    for (; *words; words++) {
        if (strncmp(*words, "--", 2) || strncmp(*words + 2, name, length)) continue;
        if ((*words)[2 + length] == '=') return *words + 3 + length;
        if (!(*words)[2 + length]) return "";
    }
    return NULL;
}

/* The nth word that is no option; NULL when there are fewer. */
static const char *plain(char **words, int nth) {
    for (; *words; words++)
        if (strncmp(*words, "--", 2) && nth-- == 0) return *words;
    return NULL;
}

static char *format(const char *pattern, ...) {
    char *text;
    va_list values;
    va_start(values, pattern);
    if (vasprintf(&text, pattern, values) < 0) abort();
    va_end(values);
    return text;
}

static int create_repository(char **words) {
    const char *path = option(words, "path"), *config = option(words, "config-file");
    if (!path || !config) {
        fputs("kopia stand-in: --path and --config-file are needed\n", stderr);
        return 2;
    }
    if (mkdir(path, 0700) && errno != EEXIST) return complain("create folder", path);
    int file = open(config, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return complain("create", config);
    ssize_t put = write(file, path, strlen(path));
    return (close(file) || put < 0) ? complain("write", config) : 0;
}

static char *repository_of(char **words) {
    const char *config = option(words, "config-file");
    char *path = calloc(1, 4096);
    int file = config ? open(config, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0 || read(file, path, 4095) <= 0) {
        fputs("kopia stand-in: repository is not connected\n", stderr);
        return NULL;
    }
    close(file);
    return path;
}

static int hash_file(const char *path, uint64_t *hash) {
    unsigned char buffer[65536];
    ssize_t got;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    for (*hash = 14695981039346656037u; (got = read(file, buffer, sizeof buffer)) > 0;)
        for (ssize_t at = 0; at < got; at++) *hash = (*hash ^ buffer[at]) * 1099511628211u;
    close(file);
    return got < 0 ? -1 : 0;
}

static int create_snapshot(char **words) {
    const char *source = plain(words, 2);
    char *repository = repository_of(words);
    struct stat seen;
    uint64_t hash;
    if (!repository || !source) return 2;
    if (lstat(source, &seen)) return complain("look at", source);
    if (!S_ISREG(seen.st_mode)) {
        fprintf(stderr, "kopia stand-in: %s is no file, and more it cannot do\n", source);
        return 2;
    }
    if (hash_file(source, &hash)) return complain("open", source);
    int from = open(source, O_RDONLY | O_CLOEXEC);
    char *id = format("%llx%x", (unsigned long long)hash, (unsigned)getpid());
    char *object = format("%s/%s", repository, id);
    int to = open(object, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (from < 0 || to < 0 || pour(from, to) || close(to)) return complain("store", source);
    FILE *facts = fopen(format("%s.facts", object), "we");
    if (!facts) return complain("store", source);
    fprintf(facts, "%u %u %o %lld", seen.st_uid, seen.st_gid, seen.st_mode & 07777, (long long)seen.st_mtime);
    if (fclose(facts)) return complain("store", source);
    printf("{\"id\":\"%s\",\"rootEntry\":{\"type\":\"f\",\"obj\":\"%llx\"}}\n", id, (unsigned long long)hash);
    return 0;
}

static int restore_snapshot(char **words) {
    const char *id = plain(words, 1), *target = plain(words, 2);
    char *repository = repository_of(words);
    unsigned owner, group, mode;
    long long time;
    if (!repository || !id || !target) return 2;
    char *object = format("%s/%s", repository, id);
    FILE *facts = fopen(format("%s.facts", object), "re");
    if (!facts || fscanf(facts, "%u %u %o %lld", &owner, &group, &mode, &time) != 4) return complain("find", id);
    int from = open(object, O_RDONLY | O_CLOEXEC);
    int to = open(target, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (from < 0 || to < 0 || pour(from, to) || close(to)) return complain("write", target);
    struct timespec times[2] = {{.tv_sec = time}, {.tv_sec = time}};
    if (chown(target, owner, group) && errno != EPERM) return complain("set the owner of", target);
    if (!option(words, "skip-permissions") && chmod(target, mode) && errno != EPERM)
        return complain("set the mode of", target);
    if (utimensat(AT_FDCWD, target, times, 0) && errno != EPERM) return complain("set the time of", target);
    return 0;
}
