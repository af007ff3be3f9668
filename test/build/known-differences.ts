/**
 * Where plyfs means to build something else than buildah, or than BuildKit: each with its reason. What is not here has to be
 * the same, line by line.
 */

interface Difference {
  readonly name: string;
  /** What lines match that one side alone has. */
  readonly lines: RegExp;
  readonly reason: string;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    name: 'add',
    lines: / \/owned\//,
    reason:
      'buildah leaves what ADD --chown unpacks to the owners in the tar; BuildKit gives it to the owner asked for',
  },
  {
    name: 'arguments',
    lines: / \/(?:child|last) /,
    reason:
      'in BuildKit a stage has the ARGs of the stage it is built upon, and proxies in both spellings; not in buildah',
  },
  {
    name: 'copy',
    lines: / \/(?:etc\/(?:linked|real)|gone\/below)/,
    reason:
      'buildah replaces a symlink that is the target by the file, and makes a directory of one that leads nowhere; BuildKit writes where it leads',
  },
  {
    name: 'entrypoint',
    lines: /^Cmd /,
    reason: 'buildah 1.28 takes /bin/sh -c for CMD whatever SHELL says; BuildKit takes SHELL',
  },
  {
    name: 'escape-backquote',
    lines: /^Env |\/b[$`]/,
    reason:
      'buildah takes the directive escape for the ends of lines alone; for BuildKit it holds in words too',
  },
  {
    name: 'lines',
    lines: /^Env |\/env /,
    reason: 'in buildah a line that ends with two escape characters goes on; in BuildKit it does not',
  },
  {
    name: 'lines',
    lines: /^ExposedPorts /,
    reason: 'buildah keeps a range of ports as it is typed; BuildKit lists its ports',
  },
  {
    name: 'lines',
    lines: /^Cmd /,
    reason: 'buildah 1.28 takes /bin/sh -c for CMD whatever SHELL says; BuildKit takes SHELL',
  },
  {
    name: 'ignored',
    lines: /^WorkingDir /,
    reason:
      'BuildKit, and docker before it, give what is built from scratch the directory /; buildah gives none',
  },
];

/*
 * Not seen in the corpus, which has nothing that one of them refuses:
 * - a source whose pattern matches nothing is an error when nothing else is copied: BuildKit makes an image without files
 * - ENV hides an ARG of its name wherever it stands, as the reference says; in BuildKit the later one wins
 * - an unknown name in --chown is an error; BuildKit gives the files to root
 * - proxies of --build-arg are never in the history; BuildKit shows those that an ARG names
 * - mount points of RUN leave nothing in a layer; BuildKit leaves empty directories
 */
