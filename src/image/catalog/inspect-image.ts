/**
 * `image inspect`: an image as docker shows one.
 */

import type { Store } from '../../store/store.js';
import { type ImageFacts, imageFacts } from '../oci/image-facts.js';
import { type Image, layerTreePath } from './image-index.js';
import { sizeOf } from './list-rows.js';

interface InspectedImage extends ImageFacts {
  readonly Id: string;
  readonly Digest: string;
  readonly RepoTags: readonly string[];
  /** `HOST/PATH@DIGEST` by which it was pulled. */
  readonly RepoDigests: readonly string[];
  readonly Comment: string;
  /** The size of the files in all layers. */
  readonly Size: number;
  readonly VirtualSize: number;
  /** Docker's keys, null where the image says nothing, and what else the image has. */
  readonly Config: Readonly<Record<string, unknown>>;
  readonly Parent: string;
  readonly DockerVersion: string;
  readonly GraphDriver: { readonly Name: 'plyfs'; readonly Data: Readonly<Record<string, string>> };
  readonly Metadata: { readonly LastTagTime: string };
  /** Where the layers are unpacked, bottom first. */
  readonly LayerDirectories: readonly string[];
}

export function inspectImage(store: Store, image: Image): InspectedImage {
  const { config } = image;
  const directories = image.layers.map((hex) => layerTreePath(store, hex));
  const size = sizeOf(store, image);
  const { Created, Author, Architecture, Variant, Os, RootFS } = imageFacts(config);
  return {
    Id: image.id,
    RepoTags: image.names,
    RepoDigests: image.pulledBy,
    Parent: '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created,
    DockerVersion: '',
    Author,
    Config: { ...UNSET, ...config.config },
    Architecture,
    Variant,
    Os,
    Size: size,
    VirtualSize: size,
    GraphDriver: { Data: layersOf(directories), Name: 'plyfs' },
    RootFS,
    Metadata: { LastTagTime: '0001-01-01T00:00:00Z' },
    // Up to here in Docker's order; what follows are our own.
    Digest: image.manifestDigest,
    LayerDirectories: directories,
  };
}

/** As Docker shows what an image does not say; undefined is left out of JSON. */
const UNSET = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  ExposedPorts: undefined,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Healthcheck: undefined,
  Image: '',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
  StopSignal: undefined,
  Shell: undefined,
};

/** The topmost layer as Docker's drivers name it, with those below it. */
function layersOf(directories: readonly string[]): Record<string, string> {
  const [upper, ...lower] = [...directories].reverse();
  return {
    ...(lower.length === 0 ? {} : { LowerDir: lower.join(':') }),
    ...(upper === undefined ? {} : { UpperDir: upper }),
  };
}
