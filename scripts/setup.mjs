// Installs the pinned dependencies and builds, with nothing but Node and npm on the machine. Both
// steps are skipped when nothing changed, so that everything works offline from the second run on.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const windows = process.platform === 'win32'

/** Runs a command from the repository's root; ends this process with its status where it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: windows,
    ...options,
  })
  if (result.error) {
    console.error(`cannot run ${command}: ${result.error.message}`)
    process.exit(1)
  }
  if (result.status !== 0) process.exit(result.status ?? 1)
}

/** Path of a tool that the install put in place. */
export function tool(name) {
  return join(root, 'node_modules', '.bin', windows ? `${name}.cmd` : name)
}

/** The pinned pnpm, through npx: `pnpm@x.y.z` as package.json names it. */
export function pnpm(args) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const env = { ...process.env, npm_config_update_notifier: 'false' }
  run('npx', ['--yes', '--prefer-offline', packageManager, ...args], { env })
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  console.error(`flatend needs Node 20.19 or later, this is ${process.version}`)
  process.exit(2)
}

/** Everything an install depends on: lockfile, workspace file, each manifest, Node's own version. */
function installFingerprint() {
  const hash = createHash('sha256').update(process.version)
  const manifests = ['packages', 'apps', 'examples'].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder)).map((name) => `${folder}/${name}/package.json`)
      : [],
  )
  for (const file of [
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'package.json',
    'bench/package.json',
    'test/package.json',
    ...manifests,
  ]) {
    const path = join(root, file)
    if (existsSync(path)) hash.update(file).update(readFileSync(path))
  }
  return hash.digest('hex')
}

export function install() {
  checkNode()
  const stamp = join(root, 'node_modules', '.flatend-installed')
  const fingerprint = installFingerprint()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return
  console.log('Installing dependencies …')
  pnpm(['install', '--frozen-lockfile', '--prefer-offline'])
  writeFileSync(stamp, fingerprint)
}

/** `tsc -b`: does nothing for what is up to date. Without projects it also checks every test's types. */
export function build(projects = []) {
  run(tool('tsc'), ['-b', ...projects])
}
