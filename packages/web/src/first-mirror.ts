/** One step to a first mirror: what it does, and the command that does it. */
export interface Step {
  readonly title: string;
  readonly command: string;
}

/** The three commands to a first mirror on the server at `origin`: those of the README, with this address in them. */
export function describeFirstMirror(origin: string): readonly Step[] {
  const api = `${origin}/api/v4/projects`;
  const curl = 'curl -H "PRIVATE-TOKEN: $TOKEN"';
  return [
    {
      title: "Take the token of root",
      command: "TOKEN=$(sed -n 's/^token=//p' data/initial-root-secrets)",
    },
    {
      title: "Pull a repository in",
      command: `${curl} \\
  ${api} -d name=hello -d mirror=true \\
  --data-urlencode import_url=https://github.com/octocat/Hello-World.git`,
    },
    {
      title: "Push it on to another host",
      command: `${curl} \\
  ${api}/root%2Fhello/remote_mirrors -d enabled=true \\
  --data-urlencode "url=https://user:token@git.example.com/copy.git"`,
    },
  ];
}
