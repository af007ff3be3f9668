# cp, diff, commit, export.

## cp of a file out and in
$D create --name c1 base >/dev/null
$D cp c1:/data/seed got; cat got
echo new >mine; $D cp mine c1:/data/mine
$D cp c1:/data/mine - | tar -xO

## cp of a directory in and out
mkdir -p d/sub; echo x >d/sub/x
$D create --name c1 base >/dev/null
$D cp d c1:/srv
$D cp c1:/srv/d out; find out | sort

## cp of a directory to a new name
mkdir d; echo x >d/x
$D create --name c1 base >/dev/null
$D cp d c1:/srv/new
$D start c1 >/dev/null; $D cp c1:/srv/new out; ls out

## cp of the content of a directory
mkdir d; echo x >d/x
$D create --name c1 base >/dev/null
$D cp d/. c1:/srv
$D cp c1:/srv out; find out | sort

## cp of a missing file
$D create --name c1 base >/dev/null
$D cp c1:/nothere . ; echo $?
$D cp nothere c1:/ ; echo $?

## cp to a directory that is not there
echo x >f
$D create --name c1 base >/dev/null
$D cp f c1:/new/; echo $?
$D cp f c1:/new/f; echo $?

## cp of a directory over a file
mkdir d
$D create --name c1 base >/dev/null
$D cp d c1:/data/seed; echo $?

## cp of a file into a directory with a slash
echo x >f
$D create --name c1 base >/dev/null
$D cp f c1:/srv/
$D cp c1:/srv/f - | tar -t

## cp of an unknown container
$D cp nothere:/x . ; echo $?

## cp between two containers is refused
$D create --name c1 base >/dev/null; $D create --name c2 base >/dev/null
$D cp c1:/data/seed c2:/; echo $?

## cp from the host to the host is refused
touch a; $D cp a b; echo $?

## cp from standard input
$D create --name c1 base >/dev/null
mkdir d; echo x >d/f; tar -C d -c f | $D cp - c1:/srv
$D cp c1:/srv/f - | tar -xO

## cp keeps mode, and owner with -a
echo x >f; chmod 741 f; chown 12:34 f
$D create --name c1 base >/dev/null
$D cp f c1:/f1; $D cp -a f c1:/f2
$D cp c1:/f1 - | tar -tv --numeric-owner | cut -c1-16
$D cp c1:/f2 - | tar -tv --numeric-owner | cut -c1-16

## cp of a symlink, and what it leads to with -L
$D run --name c1 base ln -s /data/seed /lnk
$D cp c1:/lnk got; readlink got
$D cp -L c1:/lnk got2; cat got2

## cp into a volume
$D create --name c1 -v v1:/vol base >/dev/null
echo x >f; $D cp f c1:/vol/f
$D run --rm -v v1:/v base cat /v/f

## cp into a read-only container
$D create --name c1 --read-only base >/dev/null
echo x >f; $D cp f c1:/f; echo $?

## cp of the root
$D create --name c1 base >/dev/null
$D cp c1:/ out; ls out/data

## cp while it runs
$D run -d --name c1 base sleep 100 >/dev/null
echo x >f; $D cp f c1:/f; $D exec c1 cat /f

## diff of added, changed, deleted
$D run --name c1 base sh -c 'touch /new; echo x >/data/seed; rm /srv/page; mkdir /d; touch /d/x'
$D diff c1 | sort

## diff of nothing
$D create --name c1 base >/dev/null
$D diff c1

## diff of a directory that was replaced
$D run --name c1 base sh -c 'rm -r /data; mkdir /data; touch /data/only'
$D diff c1 | sort

## diff of a chmod
$D run --name c1 base chmod 600 /data/seed
$D diff c1

## diff of a rename
$D run --name c1 base mv /data/seed /data/moved
$D diff c1

## diff of an unknown container
$D diff nothere; echo $?

## diff without a name
$D diff 2>/dev/null; echo $?

## commit and run
$D run --name c1 base sh -c 'echo kept >/kept; rm /srv/page'
$D commit c1 made | cut -c1-7
$D run --rm made sh -c 'cat /kept; ls /srv'

## commit with changes
$D create --name c1 base >/dev/null
$D commit -m msg -a me -c 'ENV A=b' -c 'CMD ["echo","hi"]' -c 'LABEL k=v' -c 'WORKDIR /srv' -c 'USER app' -c 'EXPOSE 80' c1 made >/dev/null
$D image inspect -f '{{.Comment}}|{{.Author}}|{{.Config.Env}}|{{.Config.Cmd}}|{{.Config.Labels}}|{{.Config.WorkingDir}}|{{.Config.User}}|{{.Config.ExposedPorts}}' made
$D run --rm made

## commit of an unknown container
$D commit nothere x; echo $?

## commit to a bad name
$D create --name c1 base >/dev/null
$D commit c1 BAD; echo $?

## commit leaves volumes out
$D run --name c1 -v v1:/vol base touch /vol/f /f
$D commit c1 made >/dev/null
$D run --rm made ls /vol /f

## commit keeps the settings of the container
$D create --name c1 -e A=b -w /srv -u app -l k=v --entrypoint echo base hi >/dev/null
$D commit c1 made >/dev/null
$D run --rm made
$D image inspect -f '{{json .Config.Env}} {{.Config.WorkingDir}} {{.Config.User}} {{.Config.Entrypoint}} {{.Config.Cmd}} {{.Config.Labels}}' made

## export
$D run --name c1 base sh -c 'echo x >/new; rm -r /data'
$D export c1 | tar -t | grep -E '^(new|data|srv/page|etc/passwd)'
$D export -o t c1; tar -xOf t new

## export of an unknown container
$D export nothere >/dev/null; echo $?

## export and import
$D run --name c1 base sh -c 'echo x >/new'
$D export c1 | $D import - again | cut -c1-7
$D run --rm again cat /new

## cp of a container without a path
$D create --name c1 base >/dev/null; $D cp c1: out 2>/dev/null; ls out 2>/dev/null | head -n 2

## cp of no name
$D create --name c1 base >/dev/null
$D cp '' c1:/srv || echo $?; $D cp c1:/srv '' || echo $?

## names in the tar of a directory
$D create --name c1 base >/dev/null
$D cp c1:/data/. - | tar tf - | sort; $D cp c1:/data - | tar tf - | sort; $D cp c1:/data/ - | tar tf - | sort

## cp through symlinks, in both directions
$D run --name c1 base sh -c 'cd /srv; ln -s page l; ln -s /data ld; ln -s /etc/../data/seed abs; ln -s /tmp/newfile dang; ln -s ../../../../etc/os-release up'
$D cp c1:/srv/l l1; $D cp -L c1:/srv/l l2; $D cp c1:/srv/ld ld1; $D cp -L c1:/srv/ld ld2; $D cp c1:/srv/ld/ ld3; $D cp c1:/srv/ld/. ld4
$D cp c1:/srv/abs a1; $D cp -L c1:/srv/abs a2; $D cp c1:/srv/dang g1; $D cp -L c1:/srv/dang g2 2>/dev/null; echo $?; $D cp -L c1:/srv/up u2
for f in *; do echo "$f $(readlink $f) $(cat $f 2>/dev/null)"; done; find . | sort
echo n >f; $D cp f c1:/srv/ld; $D cp f c1:/srv/ld/; $D cp f c1:/srv/l; $D cp f c1:/srv/dang; mkdir d; echo y >d/y; $D cp d c1:/srv/ld
$D cp c1:/srv/page - | tar xOf -; $D cp c1:/data - | tar tf - | sort; $D cp c1:/tmp - | tar tf - | sort

## commit and changes of every kind
$D create --name c1 base >/dev/null
$D commit -c 'ENV A=b C="d e"' -c 'CMD ["x","y"]' -c 'EXPOSE 80 81/udp' -c 'LABEL k="v w"' -c 'USER app' -c 'WORKDIR /srv' -c 'VOLUME /v' -c 'ENTRYPOINT echo hi' -c 'ONBUILD RUN x' -c 'ONBUILD COPY a b' -c 'HEALTHCHECK --interval=3s --retries=2 CMD true' -a me -m msg c1 new:tag >/dev/null; echo $?
$D inspect -f '{{json .Config.Env}} {{json .Config.Cmd}} {{json .Config.ExposedPorts}} {{json .Config.Labels}} {{.Config.User}} {{.Config.WorkingDir}}' new:tag
$D inspect -f '{{json .Config.Volumes}} {{json .Config.Entrypoint}} {{json .Config.OnBuild}} {{json .Config.Healthcheck}} {{.Author}} {{.Comment}}' new:tag
for c in CMD 'HEALTHCHECK NONE' 'VOLUME []' 'ONBUILD FROM x' 'ONBUILD ONBUILD RUN x' 'HEALTHCHECK frob' 'SHELL ["a"]' 'ENV' 'env a=b'; do
  $D commit -c "$c" c1 n >/dev/null 2>&1; echo "$c: $?"; $D inspect -f '{{json .Config.Healthcheck}}' n 2>/dev/null | grep Test; $D rmi n >/dev/null 2>&1
done

## cp over what is there
$D run --name c1 base sh -c 'mkdir -p /d1/a; touch /d1/keep /f1; chmod 640 /f1'
mkdir -p s t/a o/keep; echo n >s/a; echo x >t/a/in; echo q >o2
$D cp s/. c1:/d1 2>/dev/null; echo $?; $D cp s c1:/f1 2>/dev/null; echo $?; $D cp t/. c1:/d1; echo $?
echo z >f1; chmod 755 f1; $D cp f1 c1:/f1; $D cp c1:/f1 - | tar tvf - | cut -c1-10; $D cp c1:/d1 - | tar tf - | sort
$D cp c1:/d1/keep o 2>/dev/null; echo $?; $D cp c1:/d1 o2 2>/dev/null; echo $?
