/**
 * The environment of a process that outlives the command which starts it: what such a process itself needs, and nothing
 * else of what the user has in his shell (passwords, tokens, secrets of a build), which would stay readable in /proc.
 */

const NEEDED =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|TZ|TMPDIR|LANG|LC_\w+|XDG_\w+|LD_\w+|GLIBC_TUNABLES|PLYFS_\w+|NODE_V8_COVERAGE|UV_\w+|SSH_AUTH_SOCK|DEBUG)$/;

/** A process that serves others than who starts it: nothing of his session (agents, home, language) is to be in it. */
const NEEDED_BY_ALL =
  /^(?:PATH|TMPDIR|XDG_RUNTIME_DIR|LD_\w+|GLIBC_TUNABLES|PLYFS_\w+|NODE_V8_COVERAGE|UV_\w+)$/;

export function sharedEnvironment(from: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(from).filter(([name]) => NEEDED_BY_ALL.test(name)));
}

export function ownEnvironment(from: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(from).filter(([name]) => NEEDED.test(name)));
}
