/** Data directories of servers: temporary ones, and those that outlive us. */
import { randomBytes } from 'node:crypto'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { giveTo, type Product, reachable, run, type ServerUser } from './place.ts'

/** What data directories are made of. */
export type Template = {
  readonly product: Product
  readonly user: ServerUser | null
  /** An initialised data directory to copy. */
  readonly template: string
  /** Data of another one is not opened. */
  readonly version: string
  /** The file in a data directory that holds the version of the server that made it. */
  readonly versionFile: string
  /** Where data directories go whose own folder the server's user cannot reach. */
  readonly dataPlace: string
}

/** In a data directory that a symbolic link leads to: the link's path. */
const linkFile = 'syncline.link'
const unlinkedAge_ms = 600_000

/** A new folder that somebody has to remove. */
export async function temporaryData(template: Template): Promise<string> {
  const { user, product } = template
  const made = await mkdtemp(join(tmpdir(), `syncline-${product.name.toLowerCase()}-`))
  if (user === null || (await reachable(made, user))) {
    await copy(template, made)
    return realpath(made)
  }
  await rm(made, { recursive: true }) // TMPDIR points below a private folder
  const folder = join(await dataPlace(template), basename(made))
  await mkdir(folder)
  await copy(template, folder)
  return folder
}

/** The folder of data that outlives us: the one asked for, or where its symbolic link leads. */
export async function keptData(template: Template, asked: string): Promise<string> {
  const { user, version, product } = template
  const folder = await realpath(asked).catch(() => null)
  if (folder !== null) {
    const made = (await readFile(join(folder, template.versionFile), 'utf8').catch(() => '')).trim()
    if (made === version) return folder
    if (made !== '')
      throw new Error(
        `The data in ${asked} was written by ${product.name} ${made}, and ours is ${version}. Move it away to start afresh.`,
      )
    if ((await readdir(folder)).length > 0)
      throw new Error(`${asked} is not empty and holds no data of ${product.name}. Name another folder.`)
  }
  await mkdir(dirname(asked), { recursive: true })
  await rm(asked, { recursive: true, force: true }) // empty, or a link that leads nowhere
  if (user === null || (await reachable(asked, user))) {
    const building = `${asked}.building-${randomBytes(4).toString('hex')}`
    await mkdir(building)
    await copy(template, building)
    await rename(building, asked)
    return realpath(asked)
  }
  const all = await dataPlace(template)
  const actual = join(all, `kept-${randomBytes(6).toString('hex')}`)
  await mkdir(actual)
  await clearUnlinked(all)
  await writeFile(join(actual, linkFile), asked)
  await copy(template, actual)
  await symlink(actual, asked)
  return actual
}

/** Removes data whose symbolic link is gone: whoever removed it asked for a fresh start. */
async function clearUnlinked(all: string): Promise<void> {
  const { mtimeMs: now_ms } = await stat(all) // the file system's own clock: the new folder has just been made here
  for (const name of await readdir(all)) {
    const data = join(all, name)
    const made = await stat(join(data, linkFile)).catch(() => null)
    if (made === null || now_ms - made.mtimeMs < unlinkedAge_ms) continue // another start may be about to link it
    const link = await readFile(join(data, linkFile), 'utf8')
    if ((await readlink(link).catch(() => null)) !== data) await rm(data, { recursive: true, force: true })
  }
}

/** The server's user owns it, so that an orphan can remove its own temporary folder. */
async function dataPlace({ user, dataPlace: folder }: Template): Promise<string> {
  await mkdir(folder, { recursive: true })
  await giveTo(user, folder)
  return folder
}

/** With owners and modes; holes stay holes, so that a copy takes a moment. */
async function copy({ template }: Template, to: string): Promise<void> {
  await run('/bin/cp', ['-a', `${template}/.`, to], { cwd: '/' })
}
