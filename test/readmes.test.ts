// What our pages tell people to type and run works, and their links lead somewhere.
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { parseConfig } from '@flatend/gateway'
import { Node } from '@flatend/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from './support/gateway.ts'
import { type Block, markdownFiles, type Page, ROOT, readPage } from './support/markdown.ts'
import { problemsOfCommand, typed } from './support/page-commands.ts'
import {
  imported,
  isProgram,
  Ports,
  parse,
  promised,
  startProgram,
  stays,
} from './support/page-programs.ts'
import { eventually, FLATEND, start, stopProcessesAfterwards } from './support/processes.ts'

const pages = markdownFiles().map(readPage)
const blocks = pages.flatMap((page) => page.blocks)
const of = (...languages: string[]): readonly Block[] =>
  blocks.filter(({ language }) => languages.includes(language))

/** README files; docs explain, and show no whole programs. */
const readmes = pages.filter(({ path }) => /^(?:(?:packages|apps|examples)\/.*)?README/.test(path))

stopProcessesAfterwards()

describe('programs', () => {
  const ports = new Ports()
  let seed: Node

  // The node that they join through: most name the gateway's port of the README at the root.
  beforeAll(async () => {
    seed = await Node.start({ bindAddrs: [`127.0.0.1:${await ports.of('9000')}`] })
  })
  afterAll(() => seed.shutdown())

  const programs = readmes.flatMap((page) => page.blocks).filter(isProgram)

  test('there is one in the README of each package', () => {
    const have = new Set(programs.map(({ where }) => where.split(':')[0]))
    const packages = readmes.filter(({ path }) => !path.startsWith('examples'))
    expect(packages.filter(({ path }) => !have.has(path))).toEqual([])
  })

  test.each(programs.filter(stays))('$where joins the mesh and stays', async ({ code }) => {
    const program = startProgram(await ports.in(code))
    await eventually(() => seed.peers().length > 0 || !program.alive)
    expect([program.alive, program.stderr]).toEqual([true, ''])
    await program.stop()
    await eventually(() => seed.peers().length === 0)
  })

  const ending = programs.filter((program) => !stays(program))

  test.each(ending)('$where prints what it says, and ends', async (block) => {
    const program = startProgram(await ports.in(block.code))
    const { code } = await program.exited
    expect({ code, stderr: program.stderr }).toEqual({ code: 0, stderr: '' })
    expect(promised(block)).not.toEqual([])
    expect(program.stdout.trimEnd().split('\n')).toEqual(promised(block))
  })
})

test('the service of the README at the root answers through its gateway', async () => {
  const page = readPage('README.md')
  const ports = new Ports()
  const moved = async (is: (block: Block) => boolean): Promise<string> =>
    await ports.in(page.blocks.find(is)?.code ?? '')
  const folder = temporaryFolder()
  const config = await moved(({ language }) => language === 'toml')
  writeFileSync(join(folder, 'greet.toml'), config)
  const gateway = start([FLATEND, 'gateway', '-c', 'greet.toml'], { cwd: folder })
  await gateway.line(/HTTP/)
  startProgram(await moved((block) => isProgram(block) && block.code.includes('greet:')))
  const commands = page.blocks.filter(({ language }) => language === 'sh').map(({ code }) => code)
  const [, url = '', answer = ''] = /curl '(\S+)' +# (.*)/.exec(commands.join('\n')) ?? []
  const there = await ports.in(url)
  const got = await eventually(async () => {
    const response = await fetch(there)
    return response.ok ? await response.text() : ''
  })
  expect(got).toBe(answer)
})

test('all that blocks import exists', async () => {
  const all = of('js').flatMap(imported)
  const lines = all.map(({ names, from }, at) => {
    const list = names
      .replaceAll(/[{}]/g, '')
      .split(',')
      .map((name) => name.trim())
    return `import * as m${at} from '${from}'
      for (const name of ${JSON.stringify(list.filter((name) => name !== ''))})
        if (!(name in m${at})) console.log('${from} has no ' + name)`
  })
  const program = startProgram(lines.join('\n'))
  await program.exited
  expect(program.lines).toEqual([])
})

test.each(of('js'))('$where is JavaScript', (block) => {
  expect(() => parse(block)).not.toThrow()
})

test.each(of('toml'))('$where is a configuration', ({ code }) => {
  expect(() => parseConfig(code)).not.toThrow()
})

test('blocks are in languages that are checked here', () => {
  const checked = new Set(['js', 'toml', 'sh', 'console', 'diff', ''])
  const others = readmes
    .flatMap((page) => page.blocks)
    .filter(({ language }) => !checked.has(language))
  expect(others.map(({ where, language }) => `${where} ${language}`)).toEqual([])
})

describe.each(pages)('$path', (page) => {
  test('its commands, options, scripts and files exist', () => {
    const shell = page.blocks.filter(({ language }) => ['sh', 'console', ''].includes(language))
    const said = page.code.filter(({ text }) => /^(?:flatend|npx flatend|npm|node) /.test(text))
    const problems = [...shell.flatMap(typed), ...said].flatMap((one) =>
      problemsOfCommand(page, one),
    )
    expect(problems).toEqual([])
  })

  test('its links and the paths it names lead somewhere', () => {
    expect([...deadLinks(page), ...missingPaths(page)]).toEqual([])
  })
})

function deadLinks({ path, links }: Page): readonly string[] {
  return links.flatMap(({ where, text }) => {
    if (/^(?:https?|mailto|ws):/.test(text)) return []
    const [file = '', anchor] = text.split('#')
    const target = file === '' ? path : normalize(join(dirname(path), file))
    if (!existsSync(join(ROOT, target))) return [`${where}: there is no ${text}`]
    if (anchor === undefined || statSync(join(ROOT, target)).isDirectory()) return []
    const known = pages.find((page) => page.path === target)?.anchors
    return known && !known.has(anchor) ? [`${where}: there is no heading ${text}`] : []
  })
}

/** Paths within text, from the repository's root or the page's folder. */
function missingPaths({ path, code }: Page): readonly string[] {
  const named = /^(?:docs|packages|apps|examples|test|bench|scripts|deploy)\/[\w./-]+$/
  return code
    .filter(({ text }) => named.test(text))
    .filter(
      ({ text }) => ![ROOT, join(ROOT, dirname(path))].some((at) => existsSync(join(at, text))),
    )
    .map(({ where, text }) => `${where}: there is no ${text}`)
}
