/**
 * Pure: the texts of our own part of a server's configuration. theodora.conf is included at the end of postgresql.conf,
 * so it has the last word but for ALTER SYSTEM; whoever changes a setting of it looks whether the change took effect.
 *
 * A commit is acknowledged once every member named in synchronous_standby_names has flushed it. Where there is nobody
 * to name yet, the gate is closed: the list names nobody who exists, and commits wait. That is how a copier stands
 * ready, so that no commit slips through while it becomes writer.
 */
import { nobody } from './names.js';
import { checkAddress, connectionString, quoteName, quoteSetting, type Address } from './quoting.js';

export const superuser = 'postgres';
export const replicationRole = 'red_replication';

/** Whom a commit waits for: the names given, all of them; `closed`: no commit is acknowledged. */
export type Synchronous = 'closed' | readonly string[];

/** Settings of a server that stay while it runs. */
export interface StandingSettings {
  /** As standbyName makes it. */
  readonly name: string;
  readonly listen: Address;
  readonly socketDirectory: string;
  readonly passfile: string;
  /** How much of its log a writer keeps for copiers that lag. */
  readonly walKeepMb: number;
}

/** What changes with the part that the server plays. */
export interface PartSettings {
  /** Whom it receives from; null: nobody. */
  readonly follows: Address | null;
  readonly synchronous: Synchronous;
  /** The writer's fencing token; empty at a copier. */
  readonly token: string;
}

/** `FIRST n` of n names is all of them. */
export function synchronousStandbyNames(synchronous: Synchronous): string {
  const names = synchronous === 'closed' ? [nobody] : synchronous;
  return names.length === 0 ? '' : `FIRST ${names.length} (${names.map(quoteName).join(', ')})`;
}

/** How copiers, clones and rewinds reach a server; a peer that falls silent is given up within seconds. */
export function replicationConnection(
  { host, port }: Address,
  passfile: string,
): Record<string, string | number> {
  return {
    host,
    port,
    user: replicationRole,
    passfile,
    connect_timeout: 3,
    keepalives_idle: 1,
    keepalives_interval: 1,
    keepalives_count: 3,
    tcp_user_timeout: 3_000,
  };
}

/** The settings that change while the server runs, as SHOW has them. */
export function partSettings(
  { name, passfile }: StandingSettings,
  { follows, synchronous, token }: PartSettings,
): ReadonlyMap<string, string> {
  const writer = follows === null ? null : replicationConnection(checkAddress(follows), passfile);
  return new Map([
    ['primary_conninfo', writer === null ? '' : connectionString({ ...writer, application_name: name })],
    // A slot serves one at a time, so nobody is counted twice in synchronous_standby_names (two connections of one name would be).
    ['primary_slot_name', writer === null ? '' : name],
    ['synchronous_standby_names', synchronousStandbyNames(synchronous)],
    ['red.token', token],
  ]);
}

function standingSettings(settings: StandingSettings): ReadonlyMap<string, string> {
  return new Map([
    ['listen_addresses', settings.listen.host],
    ['port', String(settings.listen.port)],
    ['unix_socket_directories', quoteName(settings.socketDirectory)],
    ['unix_socket_permissions', '0700'],
    ['cluster_name', settings.name],
    ['password_encryption', 'scram-sha-256'],
    ['fsync', 'on'],
    ['full_page_writes', 'on'],
    ['synchronous_commit', 'on'],
    ['wal_level', 'replica'],
    ['wal_log_hints', 'on'],
    ['hot_standby', 'on'],
    ['max_wal_senders', '16'],
    ['max_replication_slots', '16'],
    ['wal_keep_size', `${settings.walKeepMb}MB`],
    ['max_slot_wal_keep_size', `${settings.walKeepMb}MB`],
    ['wal_sender_timeout', '3s'],
    ['wal_receiver_timeout', '3s'],
    ['wal_receiver_status_interval', '1s'],
    // After a change of writer, commits wait for copiers that have looked for it too soon.
    ['wal_retrieve_retry_interval', '100ms'],
    // A reader at a copier may not hold up its promotion for longer.
    ['max_standby_streaming_delay', '5s'],
    ['max_standby_archive_delay', '5s'],
    ['recovery_target_timeline', 'latest'],
    // A server that went down is the agent's business: it may not be writer any more.
    ['restart_after_crash', 'off'],
    ['logging_collector', 'off'],
    ['log_destination', 'stderr'],
    ['lc_messages', 'C'],
  ]);
}

/** The text of theodora.conf. */
export function configurationText(standing: StandingSettings, part: PartSettings): string {
  const lines = [...standingSettings(standing), ...partSettings(standing, part)].map(
    ([setting, value]) => `${setting} = ${quoteSetting(value)}`,
  );
  return [
    '# Written by theodora at every start and change; what is changed here is lost.',
    ...lines,
    '',
  ].join('\n');
}

/**
 * The text of pg_hba.conf; the first line that fits decides. Locally everybody may be anybody: only the server's own user
 * gets into the directory of the socket. The superuser is not known by TCP, the replicating role gets nowhere else.
 */
export function accessText(): string {
  return [
    '# Written by theodora at every start; what is changed here is lost.',
    '# type  database     user             address  method',
    'local   all          all                       trust',
    `host    all          ${superuser}         all      reject`,
    `host    replication  ${replicationRole}  all      scram-sha-256`,
    `host    postgres     ${replicationRole}  all      scram-sha-256`,
    `host    all          ${replicationRole}  all      reject`,
    'host    replication  all              all      reject',
    'host    all          all              all      scram-sha-256',
    '',
  ].join('\n');
}
