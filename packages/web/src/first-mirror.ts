/** One step to a first mirror: what it does, and the command that does it. */
export interface Step {
  readonly title: string;
  readonly command: string;
}

/** The three commands to a first mirror on the server at `origin`. */
export function describeFirstMirror(origin: string): readonly Step[] {
  const api = `${origin}/api/v4/projects`;
  const header = `--header "PRIVATE-TOKEN: $TOKEN"`;
  return [
    {
      title: "Create a project",
      command: `curl ${header} --data name=hello \\
  ${api}`,
    },
    {
      title: "Pull it from an upstream",
      command: `curl --request PUT ${header} --data enabled=true \\
  --data-urlencode url=https://git.example.com/hello.git \\
  ${api}/root%2Fhello/mirror/pull`,
    },
    {
      title: "Push it on to a downstream",
      command: `curl ${header} --data enabled=true \\
  --data-urlencode url=https://user:password@copy.example.org/hello.git \\
  ${api}/root%2Fhello/remote_mirrors`,
    },
  ];
}
