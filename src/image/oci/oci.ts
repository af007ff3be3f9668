/**
 * The JSON of the OCI image-spec 1.1 (and of Docker's schema 2, which differs in media types): the fields that plyfs
 * reads. Unknown fields of a config are kept when an image is derived from it.
 */

/** `sha256:HEX`. */
export type Digest = string;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: Platform;
  /** Where it can be got too. */
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
}

export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** application/vnd.oci.image.config.v1+json */
export interface ImageConfig {
  readonly created?: string;
  readonly author?: string;
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly config?: RunConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
}

export interface RunConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Volumes?: Readonly<Record<string, object>> | null;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string;
  readonly Shell?: readonly string[];
  /** Instructions for who builds upon the image. */
  readonly OnBuild?: readonly string[] | null;
  readonly Healthcheck?: ImageHealthcheck;
}

/** Docker's; times in nanoseconds. */
export interface ImageHealthcheck {
  /** `NONE`, `CMD` with words, or `CMD-SHELL` with a line. */
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  /** It made no layer. */
  readonly empty_layer?: boolean;
}

export const MEDIA_TYPE = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
} as const;

/** Annotation of a descriptor in index.json: the image's name, here `NAME:TAG`. */
export const REF_NAME = 'org.opencontainers.image.ref.name';

/** Annotation of a descriptor in index.json: `HOST/PATH@DIGEST` by which it was pulled; the digest may be that of an index. */
export const PULLED_BY_DIGEST = 'plyfs.pulled.digest';

/** Annotation of a descriptor in index.json: which step of a build made it (a key that build/ computes). */
export const BUILD_STEP = 'plyfs.build.step';

/** Annotation of a descriptor in index.json: the digest of the index, for several platforms, that the image came by. */
export const IMAGE_INDEX = 'plyfs.image.index';

/** Annotation of a descriptor in index.json: `HOST/PATH` from which it was pulled. */
export const PULLED_FROM = 'plyfs.pulled.from';
