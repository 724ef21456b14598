// Moleculer with its encryption middleware: AES-256-CBC under a password that all nodes share. It
// proves nobody's identity and notices no change on the way.
import moleculer from 'moleculer'
import { brokers } from './broker.mjs'

const PASSWORD = 'a password of 32 bytes, as it is'

export const { serve, connect } = brokers(() => [
  moleculer.Middlewares.Transmit.Encryption(PASSWORD, 'aes-256-cbc', Buffer.alloc(16)),
])
