/** The settings of a running server that go with its part: written, read again by the server, and seen to be in effect. */
import {
  configurationText,
  partSettings,
  type PartSettings,
  type StandingSettings,
} from './configuration.js';
import { postgresError } from './errors.js';
import { writeAtomically } from './files.js';
import type { Sql } from './sql.js';
import { ask } from './wait.js';

export const copierPart: PartSettings = { follows: null, synchronous: 'closed', token: '' };

export class Part {
  readonly #standing: StandingSettings;
  readonly #path: string;
  readonly #sql: Sql;
  #settings: PartSettings = copierPart;

  constructor(standing: StandingSettings, path: string, sql: Sql) {
    this.#standing = standing;
    this.#path = path;
    this.#sql = sql;
  }

  /** What was written last. */
  get settings(): PartSettings {
    return this.#settings;
  }

  /** For a server that does not run. */
  async write(changes: Partial<PartSettings>): Promise<void> {
    this.#settings = { ...this.#settings, ...changes };
    await writeAtomically(this.#path, configurationText(this.#standing, this.#settings));
  }

  /**
   * Resolves once the postmaster has read the settings and has told all of its processes to. A new connection shows that:
   * it is forked by the postmaster, after it has done both.
   * @throws TheodoraError POSTGRES_SETTING_REFUSED.
   */
  async apply(changes: Partial<PartSettings>, timeoutMs: number): Promise<void> {
    await this.write(changes);
    await this.#sql.query('SELECT pg_reload_conf()');
    let refused = new Map<string, string>();
    const done = await ask(timeoutMs, async () => {
      refused = await this.#differing();
      return refused.size === 0 ? true : null;
    });
    if (done !== null) return;
    const problems = await this.#sql.query(
      'SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL AND name = ANY($1)',
      [[...refused.keys()]],
    );
    const names = [...refused.keys()].join(', ');
    const text = `the database server does not take its settings (${names})`;
    const remedy =
      'See its log; a setting made with ALTER SYSTEM goes before ours: take it back with ALTER SYSTEM RESET';
    throw postgresError('POSTGRES_SETTING_REFUSED', text, remedy, {
      fields: { settings: [...refused.keys()], problems },
    });
  }

  /** Those settings that a new connection sees otherwise than we wrote them. */
  async #differing(): Promise<Map<string, string>> {
    const wanted = partSettings(this.#standing, this.#settings);
    const rows = await this.#sql.withSession((session) =>
      session.query('SELECT name, current_setting(name, true) AS value FROM unnest($1::text[]) AS name', [
        [...wanted.keys()],
      ]),
    );
    const seen = new Map(rows.map(({ name, value }) => [String(name), String(value ?? '')]));
    return new Map([...wanted].filter(([name, value]) => seen.get(name) !== value));
  }
}
