/** Option parsers of `theodora red …`. */
import { InvalidArgumentError } from 'commander';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

function addressOf(text: string): ListenAddress | null {
  const [, ipv6, name, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = Number(digits);
  return host !== undefined && port <= 65_535 ? { host, port } : null;
}

export function listenArgument(text: string): ListenAddress {
  const address = addressOf(text);
  if (address !== null) return address;
  throw new InvalidArgumentError('It must be host:port, such as 127.0.0.1:7501; port 0 is any free one.');
}

/** Of something that is there already, or that others are told. */
export function addressArgument(text: string): ListenAddress {
  const address = addressOf(text);
  if (address !== null && address.port > 0) return address;
  throw new InvalidArgumentError('It must be host:port, such as 127.0.0.1:7501.');
}

export function idArgument(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be the name of a client, such as r1.');
}
