/**
 * A real MariaDB for tests and the demo, without a service and without root: started in about a second, listening on
 * 127.0.0.1 alone, and gone when the process that started it is gone.
 */
import { installMariadb, type MariadbRelease, mariadb } from './mariadb-install.ts'
import { type Server, type ServerOptions, startServer } from './mysql-server.ts'

/** A MariaDB for the time of a test; `await using` stops it. */
export type Mariadb = Server

/** Which release tests run on that name none: SYNCLINE_TEST_MARIADB_RELEASE, else the machine's own. */
function releaseOf(asked: MariadbRelease | undefined): MariadbRelease | undefined {
  const release = asked ?? process.env['SYNCLINE_TEST_MARIADB_RELEASE']
  if (release === undefined || release === '11') return release
  throw new Error(`There is no MariaDB "${release}" for tests; SYNCLINE_TEST_MARIADB_RELEASE may be 11.`)
}

/**
 * Starts a MariaDB with row logging and resolves when it accepts connections.
 * @param options `release`: a newer one than the machine's, unless a server that already runs is used; for the longer suites.
 * @throws Error with a sentence that names what is missing and the variable that points at another server instead.
 */
export async function startMariadb(
  options: ServerOptions & { readonly release?: MariadbRelease } = {},
): Promise<Mariadb> {
  const existing = options.existing === undefined ? process.env[mariadb.variable] : options.existing
  return startServer(options, existing, () => installMariadb(releaseOf(options.release)))
}

/** Why there is no such MariaDB on this machine, for the `skip` of a test; false where there is one. */
export async function withoutMariadb(release?: MariadbRelease): Promise<string | false> {
  if (process.env[mariadb.variable]) return false
  return installMariadb(releaseOf(release)).then(
    () => false,
    (error: Error) => error.message,
  )
}
