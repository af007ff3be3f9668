/** `--change`: what docker makes of the same instructions. */

import { describe, expect, test } from 'vitest';
import { applyChanges } from '../../../src/image/add/changes.js';
import type { RunConfig } from '../../../src/image/oci/oci.js';

const cases: readonly (readonly [changes: string[], config: RunConfig])[] = [
  [['CMD ["a", "b c"]'], { Cmd: ['a', 'b c'] }],
  [['CMD echo hi'], { Cmd: ['/bin/sh', '-c', 'echo hi'] }],
  [['CMD [broken'], { Cmd: ['/bin/sh', '-c', '[broken'] }],
  [['cmd ["a"]'], { Cmd: ['a'] }],
  [['ENTRYPOINT ["/init"]', 'CMD ["x"]'], { Entrypoint: ['/init'], Cmd: ['x'] }],
  [['ENV A=b C="d e" F=g\\ h'], { Env: ['A=b', 'C=d e', 'F=g h'] }],
  [['ENV NAME the rest of it'], { Env: ['NAME=the rest of it'] }],
  [['ENV P=/a', `ENV P=$P:/b Q=$\{P}/c`], { Env: ['P=/a:/b', 'Q=/a/c'] }],
  [["ENV S='$P'"], { Env: ['S=$P'] }],
  [['WORKDIR /a', 'WORKDIR b/../c'], { WorkingDir: '/a/c' }],
  [['USER 1000:100'], { User: '1000:100' }],
  [['VOLUME /a /b'], { Volumes: { '/a': {}, '/b': {} } }],
  [['VOLUME ["/a b"]'], { Volumes: { '/a b': {} } }],
  [['LABEL a=b "c d"="e f"'], { Labels: { a: 'b', 'c d': 'e f' } }],
  [
    ['EXPOSE 80 53/udp 8000-8001'],
    { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {} } },
  ],
  [['STOPSIGNAL SIGINT'], { StopSignal: 'SIGINT' }],
  [['CMD'], { Cmd: ['/bin/sh', '-c', ''] }],
  [['ONBUILD RUN a', 'ONBUILD COPY b c'], { OnBuild: ['RUN a', 'COPY b c'] }],
  [
    ['HEALTHCHECK --interval=3s --retries=2 CMD true'],
    { Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 3e9, Retries: 2 } },
  ],
  [['HEALTHCHECK NONE'], { Healthcheck: { Test: ['NONE'] } }],
];

describe('applyChanges()', () => {
  for (const [changes, config] of cases) {
    test(changes.join('; '), () => expect(applyChanges({}, changes)).toEqual(config));
  }

  test('a new entrypoint drops the command of the image', () => {
    expect(applyChanges({ Cmd: ['old'] }, ['ENTRYPOINT ["/new"]'])).toEqual({ Entrypoint: ['/new'] });
  });

  test('an entrypoint after a command of the same list keeps it', () => {
    const config = applyChanges({}, ['CMD ["x"]', 'ENTRYPOINT ["/new"]']);
    expect(config).toEqual({ Entrypoint: ['/new'], Cmd: ['x'] });
  });

  const errors: readonly (readonly [change: string, message: string])[] = [
    ['RUN ls', "invalid change 'RUN ls': it is none of the instructions allowed"],
    ['USER', "invalid change 'USER': USER wants an argument"],
    ['VOLUME []', "invalid change 'VOLUME []': VOLUME wants an argument"],
    ['ONBUILD FROM x', "invalid change 'ONBUILD FROM x': 'FROM x' is no instruction that ONBUILD may have"],
    ['SHELL ["a"]', 'invalid change \'SHELL ["a"]\': it is none of the instructions allowed'],
    ['ENV A', "invalid change 'ENV A': 'A' has no value"],
    ['ENV A=b =c', "invalid change 'ENV A=b =c': '=c' is no NAME=VALUE"],
    ['LABEL a="b', "invalid change 'LABEL a=\"b': a double quote in"],
    ['EXPOSE 70000', "invalid change 'EXPOSE 70000': '70000' is no port"],
    ['VOLUME [""]', 'invalid change \'VOLUME [""]\': a volume is an empty path'],
    ['STOPSIGNAL no signal', "invalid change 'STOPSIGNAL no signal': 'no signal' is no signal"],
  ];
  for (const [change, message] of errors) {
    test(`refuses ${change}`, () => expect(() => applyChanges({}, [change])).toThrow(message));
  }
});
