'use strict'
// What a test and the processes it starts say to each other: one JSON object a line, commands on
// standard input, answers and events on standard output. A process ends when its input does, so
// none outlives the test that started it.
const { createHash } = require('node:crypto')
const { createInterface } = require('node:readline')

const options = JSON.parse(process.argv[2] ?? '{}')

function say(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

/** Runs `commands[line.do](line)` for each line; its result or error is said under the line's id. */
function obey(commands) {
  const input = createInterface({ input: process.stdin })
  input.on('line', (line) => void execute(commands, JSON.parse(line)))
  input.on('close', () => process.exit())
}

async function execute(commands, command) {
  try {
    const result = await commands[command.do](command)
    say({ id: command.id, ...result })
  } catch (error) {
    const { message, code, kind } = error
    say({ id: command.id, error: { message: message ?? String(error), code, kind } })
  }
}

/** Length, hash and, where it is short, text of an async iterable of bytes. */
async function digest(body) {
  const hash = createHash('sha1')
  const head = []
  let bytes = 0
  for await (const chunk of body) {
    hash.update(chunk)
    bytes += chunk.length
    if (bytes <= 65_536) head.push(chunk)
  }
  const text = bytes <= 65_536 ? Buffer.concat(head).toString() : undefined
  return { bytes, sha1: hash.digest('hex'), text }
}

module.exports = { options, say, obey, digest }
