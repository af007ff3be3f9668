/**
 * What is done with images, by plyfs and by the tool beside it; bash, run in an empty folder with $INPUTS (images.ts)
 * and $PLYFS. What is made there is on disk at the end: plyfs syncs by itself, for the others `sync -f` counts.
 */

export interface Step {
  /** Untimed, before each measurement. */
  readonly prepare?: string;
  readonly script: string;
}

export interface ImageWorkload {
  readonly name: string;
  readonly plyfs: Step;
  /** Absent: no such tool can do it. */
  readonly peer?: Step & { readonly tool: string };
}

const plyfs = '$PLYFS';
const import1 = `${plyfs} image load --root store -i "$INPUTS/gzip" >made`;
const change =
  'cp -a "$1/usr/share/perl5" "$1/usr/share/zoneinfo" "$1/srv/"; rm -rf "$1/usr/share/locale"; chown -R 5:5 "$1/usr/sbin"';
const changed = (root: string): string => `change() { ${change}; }; change ${root}`;

export const imageWorkloads: readonly ImageWorkload[] = [
  {
    name: 'load: 4 layers, gzip',
    plyfs: { script: import1 },
    peer: { tool: 'umoci unpack', script: 'umoci unpack --image "$INPUTS/gzip:base" bundle; sync -f .' },
  },
  {
    name: 'load: 4 layers, zstd',
    plyfs: { script: `${plyfs} image load --root store -i "$INPUTS/zstd"` },
  },
  {
    name: 'save: OCI archive',
    plyfs: { prepare: import1, script: `${plyfs} image save --root store -o saved.tar base` },
    peer: {
      tool: 'skopeo copy',
      script: 'skopeo copy -q "oci:$INPUTS/gzip:base" oci-archive:saved.tar:base',
    },
  },
  {
    name: 'save: docker-archive',
    plyfs: {
      prepare: import1,
      script: `${plyfs} image save --root store --format docker-archive -o saved.tar base`,
    },
    peer: {
      tool: 'skopeo copy',
      script: 'skopeo copy -q "oci:$INPUTS/gzip:base" docker-archive:saved.tar:base',
    },
  },
  {
    name: 'commit: 900 files new, 500 gone',
    plyfs: {
      prepare: [
        import1,
        `${plyfs} container create --root store --name work base >/dev/null`,
        changed(`$(${plyfs} container mount --root store work)`),
        `${plyfs} container stop --root store work`,
      ].join('\n'),
      script: `${plyfs} container commit --root store work new:1`,
    },
    peer: {
      tool: 'umoci repack',
      prepare: [
        'cp -r "$INPUTS/gzip" layout',
        'umoci unpack --image layout:base bundle',
        changed('bundle/rootfs'),
      ].join('\n'),
      script: 'umoci repack --image layout:new bundle; sync -f .',
    },
  },
  {
    name: 'load: a layer of 2 GiB, gzip',
    plyfs: { script: `${plyfs} image load --root store -i "$INPUTS/large"` },
    peer: { tool: 'umoci unpack', script: 'umoci unpack --image "$INPUTS/large:large" bundle; sync -f .' },
  },
];
