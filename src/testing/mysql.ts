/** A real MySQL for the longer suites, without a service and without root: listening on 127.0.0.1 alone, gone with its process. */
import { installMysql, type MysqlRelease, mysql } from './mysql-install.ts'
import { type Server, type ServerOptions, startServer } from './mysql-server.ts'

/** A MySQL for the time of a test; `await using` stops it. */
export type Mysql = Server

/**
 * Starts a MySQL with row logging and GTIDs and resolves when it accepts connections.
 * @param options `release`: the version, unless a server that already runs is used.
 * @throws Error with a sentence that names what is missing and the variable that points at another server instead.
 */
export async function startMysql(options: ServerOptions & { readonly release?: MysqlRelease } = {}): Promise<Mysql> {
  const existing = options.existing === undefined ? process.env[mysql.variable] : options.existing
  return startServer(options, existing, () => installMysql(options.release ?? '8.0'))
}

/** Why there is no such MySQL on this machine, for the `skip` of a test; false where there is one. */
export async function withoutMysql(release: MysqlRelease = '8.0'): Promise<string | false> {
  if (process.env[mysql.variable]) return false
  return installMysql(release).then(
    () => false,
    (error: Error) => error.message,
  )
}
