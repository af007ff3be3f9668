/*
 * One user of a race in a sticky directory: ROLE DIRECTORY OTHER FEWEST MILLISECONDS, run there. Prints its rounds, and its hits.
 * `victim` and `swapper` make and remove the same names on the host; `unlink`, `away` and `over` attack them by the mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NAMES = 8, LOOKS = 64 };
static char names[NAMES][16], gone[NAMES][16], mine[NAMES][16];
static long rounds, hits;

static long now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int make(const char *name, const char *text, int flags) {
  int fd = open(name, O_CREAT | O_WRONLY | flags, 0644);
  if (fd < 0) return 0;
  long length = (long)strlen(text);
  if (write(fd, text, (size_t)length) != length) exit(3);
  close(fd);
  return 1;
}

static int holds(const char *name, const char *text) {
  char found[16] = "";
  int fd = open(name, O_RDONLY);
  if (fd < 0) return 0;
  long length = read(fd, found, sizeof found - 1);
  close(fd);
  return length == (long)strlen(text) && strcmp(found, text) == 0;
}

/* What is the victim's stays, with what is in it, until he removes it. */
static void victim(int n) {
  if (!make(names[n], "canary", O_EXCL)) return;
  rounds++;
  for (int look = 0; look < LOOKS; look++)
    if (access(names[n], F_OK) != 0) break;
  if (!holds(names[n], "canary")) hits++;
  if (unlink(names[n]) != 0) hits++;
}

static void swapper(int n) {
  if (!make(names[n], "bait", O_EXCL)) return;
  unlink(names[n]);
  rounds++;
}

/* A hit is what the attacker got: his own bait, as he may. */
static void attack(const char *role, int n) {
  int done;
  if (role[0] == 'u') done = unlink(names[n]);
  else if (role[0] == 'a') done = rename(names[n], gone[n]);
  else {
    make(mine[n], "mine", O_TRUNC);
    done = rename(mine[n], names[n]);
    if (done == 0) unlink(names[n]);
  }
  rounds++;
  if (done == 0) hits++;
}

int main(int count, char **words) {
  if (count != 6 || chdir(words[2]) != 0) return 2;
  const char *role = words[1], *other = words[3];
  long fewest = atol(words[4]), end = now_ms() + atol(words[5]);
  int attacks = role[0] != 'v' && role[0] != 's';
  for (int n = 0; n < NAMES; n++) {
    snprintf(names[n], sizeof names[n], "n%d", n);
    snprintf(gone[n], sizeof gone[n], "gone%d-%s", n, other);
    snprintf(mine[n], sizeof mine[n], "mine%d-%s", n, other);
  }
  /* The attackers say when it is over. */
  for (int n = 0; attacks ? rounds < fewest || now_ms() < end : access(other, F_OK) != 0; n = (n + 1) % NAMES) {
    if (role[0] == 'v') victim(n);
    else if (role[0] == 's') swapper(n);
    else attack(role, n);
  }
  printf("%ld %ld\n", rounds, hits);
  return 0;
}
