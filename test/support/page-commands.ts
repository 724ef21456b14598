// Whether the commands that a page tells people to type exist, with their options, scripts and files.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Block, Mention, Page } from './markdown.ts'
import { ROOT } from './markdown.ts'
import { FLATEND } from './processes.ts'

/** Lines of a block that somebody types. */
export function typed({ language, code, where }: Block): readonly Mention[] {
  const lines = code.replaceAll(/\\\n\s*/g, ' ').split('\n')
  const prompt = language === 'console' ? /^\$ (.*)/ : /^((?!#)\S.*)/
  return lines.flatMap((line) => {
    const command = prompt.exec(line)?.[1]
    return command === undefined ? [] : [{ where, text: command }]
  })
}

/** What is wrong with a line, each command of it on its own. */
export function problemsOfCommand(page: Page, { where, text }: Mention): readonly string[] {
  // Behind a comment or two blanks there is what it does; brackets and bars are usage's own.
  const line = (text.split(/ {2,}| # /)[0] ?? '').replaceAll(/[[\]]/g, '')
  return line.split(/&&|\||;/).flatMap((part) => {
    const words = part.trim().split(/\s+/)
    while (/^[A-Z_]+=/.test(words[0] ?? '')) words.shift()
    return problems(page, words).map((problem) => `${where}: ${part.trim()}: ${problem}`)
  })
}

function problems(page: Page, words: readonly string[]): readonly string[] {
  const [program, first = '', ...rest] = words
  if (program === 'npx' && first === 'flatend') return ofFlatend(page, rest)
  if (program === 'flatend') return ofFlatend(page, words.slice(1))
  if (program === 'npm') return ofNpm(page, words.slice(1))
  if (program !== 'node') return []
  if (first.startsWith('-')) return []
  const missing = isThere(page, first) ? [] : [`there is no ${first}`]
  return first.endsWith('bin/flatend.js') ? [...missing, ...ofFlatend(page, rest)] : missing
}

/** A file beside the page or one it has the reader write. */
function isThere(page: Page, name: string): boolean {
  return existsSync(join(ROOT, dirname(page.path), name)) || page.text.includes(`\`${name}\``)
}

const helps = new Map<string, string>()

function helpOf(command: string): string {
  const known = helps.get(command)
  if (known !== undefined) return known
  const args = [FLATEND, ...(command === '' ? [] : [command]), '--help']
  const help = execFileSync(process.execPath, args, { encoding: 'utf8' })
  helps.set(command, help)
  return help
}

function ofFlatend(page: Page, words: readonly string[]): readonly string[] {
  const [first = ''] = words
  const names = [...helpOf('').matchAll(/^ {2}flatend \[?([a-z]+)/gm)].map(([, name]) => name)
  // Without a command it is the gateway; COMMAND stands for any.
  if (/^[a-z]/.test(first) && !names.includes(first)) return [`there is no command ${first}`]
  const command = /^[a-z]/.test(first) ? first : 'gateway'
  const options = words.filter((word) => /^--?[a-z]/i.test(word) && !ALWAYS.has(word))
  const unknown = options.filter((word) => !hasOption(command, word))
  const files = words.filter((_, at) => /^(?:-c|--config)$/.test(words[at - 1] ?? ''))
  return [
    ...unknown.map((word) => `${command} has no ${word}`),
    ...files.filter((file) => !isThere(page, file)).map((file) => `there is no ${file}`),
  ]
}

const ALWAYS = new Set(['--help', '--version'])

function hasOption(command: string, option: string): boolean {
  return new RegExp(`(?<![\\w-])${option}(?![\\w-])`).test(helpOf(command))
}

const OF_NPM = new Set(['install', 'ci', 'i'])
const OPTIONS_OF_NPM = new Set(['--silent', '-s'])

function ofNpm(page: Page, words: readonly string[]): readonly string[] {
  const [first = '', second = ''] = words.filter((word) => !OPTIONS_OF_NPM.has(word))
  if (OF_NPM.has(first)) return words.slice(1).flatMap((name) => ofInstall(name))
  const script = first === 'run' ? second : first
  const folder = packageOf(page)
  const { scripts = {} } = manifest(folder)
  const command = scripts[script]
  if (command === undefined) return [`${folder}package.json has no script ${script}`]
  const at = words.indexOf('--')
  const options = at < 0 ? [] : words.slice(at + 1).filter((word) => word.startsWith('--'))
  return options
    .filter((option) => option !== '--help' && !sourcesOf(script).includes(option.slice(2)))
    .map((option) => `${script} has no ${option}`)
}

function ofInstall(name: string): readonly string[] {
  if (!name.startsWith('@flatend/')) return []
  const names = ['apps', 'packages'].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((one) => manifest(`${folder}/${one}/`).name),
  )
  return names.includes(name) ? [] : [`there is no package ${name}`]
}

/** The text of what a script of the root runs. */
function sourcesOf(script: string): string {
  const folders = [`scripts/${script}.mjs`, 'bench/main.mjs', 'bench/live.mjs', `test/${script}`]
  return folders.map((path) => textBelow(join(ROOT, path))).join('\n')
}

function textBelow(path: string): string {
  if (!existsSync(path)) return ''
  if (/\.m?[jt]s$/.test(path)) return readFileSync(path, 'utf8')
  const files = readdirSync(path, { recursive: true }) as string[]
  const sources = files.filter((file) => /^(?!.*node_modules).*\.m?[jt]s$/.test(file))
  return sources.map((file) => readFileSync(join(path, file), 'utf8')).join('\n')
}

interface Manifest {
  readonly name?: string
  readonly scripts?: Readonly<Record<string, string>>
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
}

/** The folder whose scripts `npm` would run: the page's own or the nearest above. */
function packageOf(page: Page): string {
  let folder = dirname(page.path)
  // bench and packages tell of the root's scripts.
  if (!folder.startsWith('examples')) return ''
  while (!existsSync(join(ROOT, folder, 'package.json'))) folder = dirname(folder)
  return folder === '.' ? '' : `${folder}/`
}
