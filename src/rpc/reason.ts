/** What gRPC says of an error, without the circumstances that it wraps it in: `connect ECONNREFUSED 127.0.0.1:7700`. */
export function plainReason({ message }: Error): string {
  const inner =
    /Last error: (?:Error: )?(.*?)\. Resolution note:/.exec(message)?.[1] ?? /errors: \[(.*)\]$/.exec(message)?.[1];
  return inner ?? message.replace(/^\d+ [A-Z_]+: /, '');
}
