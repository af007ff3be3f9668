/**
 * What the demo shows of images, containers and volumes, a function a step, after the mount of steps.ts is gone.
 *
 * The store is the folder `state`; the layers of the mount serve once more, now as an image.
 */

import type { Scene } from './demo-steps.js';

const store = '--root state';

/** @throws DemoFailure at the first thing that is not as promised. */
export async function playContainers(scene: Scene): Promise<void> {
  await images(scene);
  await volumes(scene);
  await liveMounts(scene);
  await changes(scene);
  await life(scene);
  await snapshots(scene);
  await end(scene);
}

async function images({ narrator, layers }: Scene): Promise<void> {
  narrator.title('An image from a tar, and one built over it');
  await narrator.run(`tar -C base -c . | plyfs image import ${store} -c 'CMD ["/bin/sh"]' - base`, {
    that: 'a root tar becomes an image',
    matches: /^sha256:[0-9a-f]{64}$/,
  });
  await narrator.run(
    `cat >Dockerfile <<'END'
FROM base AS builder
COPY app /out
RUN echo "built by $(id -u)" >/out/etc/note
FROM base
WORKDIR /data
COPY --from=builder /out/ /
VOLUME /data
ENTRYPOINT ["/bin/sh", "-c"]
END
plyfs image build ${store} -q -t app .`,
    { that: 'a Dockerfile is built', matches: /^sha256:[0-9a-f]{64}$/ },
  );
  await narrator.run(`plyfs run ${store} --rm app '${layers.program}; cat /etc/note; pwd'`, {
    that: 'its command runs with the mount as its root',
    contains: [layers.prints, 'built by 0', '/data'],
  });
  await narrator.run(
    `plyfs image save ${store} -o app.tar app; plyfs image load --root other -q -i app.tar; plyfs run --root other --rm app 'cat /etc/note'`,
    { that: 'saved as an archive and loaded into another store it is the same', contains: 'built by 0' },
  );
}

async function volumes({ narrator }: Scene): Promise<void> {
  narrator.title('VOLUME, -v and --volumes-from');
  await narrator.run(
    `plyfs run ${store} --name one app 'echo 1 >mine'; plyfs run ${store} --name two app 'echo 2 >mine'
plyfs volume ls ${store} --format '{{.Name}} of {{join .UsedBy ","}}'`,
    {
      that: 'each has a volume of its own',
      matches: /^[0-9a-f]{64} of (one|two)\n[0-9a-f]{64} of (one|two)$/m,
    },
  );
  await narrator.run(`plyfs run ${store} --rm --volumes-from one app 'cat mine'`, {
    that: "a third one sees the first one's",
    equals: '1',
  });
  await narrator.run(
    `plyfs run ${store} --rm -v kept:/data app 'echo 3 >mine'; plyfs run ${store} --rm -v kept:/data app 'cat mine'`,
    { that: 'a named one outlives the containers', equals: '3' },
  );
}

async function liveMounts({ narrator }: Scene): Promise<void> {
  narrator.title('A running container gets one more mount');
  await narrator.run(`plyfs run ${store} -d --name web app 'while sleep 1; do :; done'`, {
    that: 'it runs in the background',
    matches: /^[0-9a-f]{64}$/,
  });
  await narrator.run(
    `plyfs container mount-add ${store} web ./shared:/srv/late:ro; plyfs exec ${store} web cat /srv/late/a`,
    { that: 'the folder of the host is there at once', equals: 'from the mount' },
  );
  await narrator.run(`plyfs container mount-rm ${store} web /srv/late; plyfs exec ${store} web ls /srv`, {
    that: 'and gone again',
    lacks: 'late',
  });
}

async function changes({ narrator }: Scene): Promise<void> {
  narrator.title('What has it changed?');
  await narrator.run(
    `plyfs exec ${store} web sh -c 'echo x >/etc/new; rm /etc/shells'; plyfs diff ${store} web`,
    { that: 'upper tells, without a look at the layers', equals: 'C /etc\nA /etc/new\nD /etc/shells' },
  );
  await narrator.run(
    `plyfs why ${store} web:/etc/note; plyfs commit ${store} web app:2; plyfs run ${store} --rm app:2 'ls /etc'`,
    { that: 'a commit makes an image of it', contains: ['COPY', 'sha256:', 'new'], lacks: 'shells' },
  );
}

async function life({ narrator }: Scene): Promise<void> {
  narrator.title('stop keeps what was written, and so does a killed daemon');
  await narrator.run(
    `plyfs stop -t 0 ${store} web; plyfs start ${store} web; plyfs exec ${store} web cat /etc/new`,
    { that: 'the change is there after a stop and a start', contains: 'x' },
  );
  await narrator.run(
    `plyfs stop -t 0 ${store} web; plyfs container mount ${store} web
kill -9 "$(plyfs container inspect ${store} -f '{{.State.DaemonPid}}' web)"; sleep 0.2
cat "$(plyfs container mount ${store} web)/etc/new"`,
    { that: 'and after kill -9 of the process that serves it', contains: 'x' },
  );
}

async function snapshots({ narrator }: Scene): Promise<void> {
  narrator.title('A snapshot of a running container, a mistake, and back; a fork to try something else');
  await narrator.run(`plyfs start ${store} web; plyfs snapshot create ${store} web good`, {
    that: 'it is taken while the command runs: two renames, nothing is copied',
    equals: 'web\ngood',
  });
  await narrator.run(`plyfs exec ${store} web rm -r /usr /etc/new; plyfs snapshot diff ${store} web good`, {
    that: 'what went wrong since then',
    contains: ['D /usr', 'D /etc/new'],
  });
  await narrator.run(
    `plyfs stop -t 0 ${store} web; plyfs snapshot restore ${store} web good; plyfs start ${store} web; plyfs exec ${store} web cat /etc/new`,
    { that: 'all is there again', contains: 'x' },
  );
  await narrator.run(
    `plyfs fork ${store} web twin >/dev/null; plyfs start ${store} twin; plyfs exec ${store} twin sh -c 'echo other >/etc/new'
plyfs exec ${store} twin cat /etc/new; plyfs exec ${store} web cat /etc/new`,
    { that: 'the twin goes its own way, over the same layers', contains: 'other\nx' },
  );
}

async function end({ narrator }: Scene): Promise<void> {
  narrator.title('What is gone with rm, and what is not');
  await narrator.run(
    `plyfs container rm -fv ${store} one two web twin; plyfs volume ls ${store} -q; plyfs system df ${store}`,
    { that: 'containers and their unnamed volumes are gone, the named one is not', contains: 'kept' },
  );
}
