/** Pure: values as PostgreSQL's various texts write them. A NUL can be written in none. */
import { postgresInputError } from './errors.js';

/** Where a server is reached by TCP. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const addressText = ({ host, port }: Address): string => `${host}, port ${port}`;

function refuse(value: string): never {
  throw postgresInputError(
    'POSTGRES_ADDRESS_INVALID',
    `${JSON.stringify(value)} cannot be the address of a database server`,
    'Give one host name or IP address, without commas and blanks, and a port from 1 to 65535',
    { fields: { address: value } },
  );
}

/**
 * libpq takes a comma for the end of a host and a leading `/` or `@` for a socket, and lets neither be escaped.
 * @throws InvalidInputError POSTGRES_ADDRESS_INVALID.
 */
export function checkAddress({ host, port }: Address): Address {
  if (!/^[A-Za-z0-9_.:%-]{1,253}$/.test(host)) refuse(host);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) refuse(`${host}:${port}`);
  return { host, port };
}

/** `host:port`, an IPv6 address in brackets; null: it is none. */
export function parseAddressText(text: string): Address | null {
  const [, ipv6, name, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]{1,253})):([0-9]{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = Number(digits);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : null;
}

/** The value of a setting in postgresql.conf; GUC_scanstr in guc-file.l reads it. */
export function quoteSetting(value: string): string {
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "''")
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `'${escaped}'`;
}

/** A value in a connection string of libpq. */
export function quoteConnectionValue(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** A name in synchronous_standby_names, or an identifier in SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteLiteral(value: string): string {
  const quoted = `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  return value.includes('\\') ? `E${quoted}` : quoted;
}

/** A field of a passfile. */
export function quotePassfileField(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}

/** A connection string from its parts. */
export function connectionString(parts: Readonly<Record<string, string | number>>): string {
  return Object.entries(parts)
    .map(([key, value]) => `${key}=${quoteConnectionValue(String(value))}`)
    .join(' ');
}
