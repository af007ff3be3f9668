/**
 * The Dockerfiles of corpus/: together they have each construct of the Dockerfile reference.
 */

export interface CorpusCase {
  /** corpus/NAME.Dockerfile */
  readonly name: string;
  /** Options of build, as docker, buildah and plyfs have them. */
  readonly args?: readonly string[];
  /** Why buildah cannot be asked; undefined: it can. */
  readonly notBuildah?: string;
}

const NO_HERE_DOCUMENTS = 'buildah knows here-documents from 1.33 on; Debian 12 has 1.28';

export const CASES: readonly CorpusCase[] = [
  { name: 'add' },
  { name: 'arguments', args: ['--build-arg', 'NEEDED=given', '--build-arg', 'http_proxy=proxy'] },
  { name: 'copy' },
  { name: 'copy-buildkit', notBuildah: 'buildah 1.28 has no --link, no symbolic modes, no --unpack' },
  { name: 'entrypoint' },
  { name: 'escape-backquote' },
  { name: 'exclude', notBuildah: 'buildah knows COPY --exclude from 1.38 on' },
  {
    name: 'expansions',
    args: ['--build-arg', 'NEEDED=given'],
    notBuildah: 'buildah knows NAME-WORD, NAME#PATTERN and the like in braces from 1.33 on',
  },
  { name: 'here-documents', notBuildah: NO_HERE_DOCUMENTS },
  { name: 'ignored' },
  { name: 'lines' },
  {
    name: 'mounts',
    args: ['--secret', 'id=token,src=token'],
    notBuildah: 'buildah 1.28 wants a target for each mount, and has no caches with from=',
  },
  { name: 'parents', notBuildah: 'buildah knows COPY --parents from 1.38 on' },
  { name: 'run' },
  { name: 'stages', notBuildah: NO_HERE_DOCUMENTS },
  { name: 'triggers' },
  { name: 'user' },
];
