/**
 * What a shell reads to complete plyfs: all three ask `plyfs complete WORDS...`, which prints what may stand in the place of the last
 * word, one a line. Where it prints nothing they offer files.
 */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# bash completion of plyfs: source <(plyfs completion bash)
_plyfs() {
  local IFS=$'\\n' line=\${COMP_LINE:0:COMP_POINT} word words
  # bash parts words at colons, which names of images have.
  read -ra words -d '' <<<"\${line//[[:blank:]]/$'\\n'}"
  [[ $line == *[[:blank:]] ]] && words+=('')
  word=\${words[-1]}
  COMPREPLY=($(compgen -W "$(plyfs complete -- "\${words[@]:1}" 2>/dev/null)" -- "$word"))
  local part=\${word%"\${word##*[:=]}"}
  COMPREPLY=("\${COMPREPLY[@]#"$part"}")
}
complete -o default -o bashdefault -F _plyfs plyfs
`,
  zsh: `#compdef plyfs
# zsh completion of plyfs: plyfs completion zsh >"\${fpath[1]}/_plyfs"
_plyfs() {
  local -a found
  found=("\${(@f)$(plyfs complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=(\${found:#})
  if (( \${#found} )); then compadd -a found; else _files; fi
}
if [ "$funcstack[1]" = _plyfs ]; then _plyfs; else compdef _plyfs plyfs; fi
`,
  fish: `# fish completion of plyfs: plyfs completion fish >~/.config/fish/completions/plyfs.fish
function __plyfs_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (plyfs complete -- $words[2..] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c plyfs -f -a '(__plyfs_complete)'
`,
};

export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}
