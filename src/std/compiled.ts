import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Keeps what V8 compiled of our modules between starts, in a folder of the user's cache (XDG_CACHE_HOME, or `~/.cache`). Most of
 * a short command is the loading of modules. One version of a program is kept: the folders of others go when a new one begins.
 * Without a folder that is ours alone (code is read from it) nothing is kept. The variables of Node go first:
 * NODE_COMPILE_CACHE names another place, NODE_DISABLE_COMPILE_CACHE=1 switches it off.
 * Source: https://nodejs.org/api/module.html#module-compile-cache.
 */
export function keepCompiled(program: string, version: string): void {
  const { env } = process
  if (env['NODE_COMPILE_CACHE'] !== undefined || env['NODE_DISABLE_COMPILE_CACHE'] !== undefined) return
  const folder = ownFolder(join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), program), version)
  if (folder === null) return
  // Threads, and the process that takes our place (`boundHeap`), read the variable.
  env['NODE_COMPILE_CACHE'] = folder
  enableCompileCache(folder)
}

function ownFolder(parent: string, version: string): string | null {
  const folder = join(parent, `compiled-${version}`)
  try {
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined)
      for (const name of readdirSync(parent))
        if (name.startsWith('compiled-') && name !== `compiled-${version}`)
          rmSync(join(parent, name), { recursive: true, force: true })
    const { uid, mode } = statSync(folder)
    const isOurs = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0)
    return isOurs ? folder : null
  } catch {
    return null
  }
}
