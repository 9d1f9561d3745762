// OpenAI's own client for Node against a gateway: clients.mjs BASE_URL KEY LIMITED_KEY. Exit 0 where all of it holds.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.env.STILLMARK_NODE_CLIENTS + '/package.json');
const { default: OpenAI } = await import(pathToFileURL(require.resolve('openai')).href);

const [baseURL, apiKey, limitedKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60000 });
const asked = { model: 'tiny', messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 12, temperature: 0, seed: 3 };

async function refused(kind, call, status, code) {
  const err = await call().then(() => assert.fail('it was not refused'), (err) => err);
  assert.ok(err instanceof kind, String(err));
  assert.deepEqual([err.status, err.code], [status, code]);
  return err;
}

const models = await client.models.list();
assert.deepEqual(models.data.map((model) => model.id), ['tiny']);

const whole = await client.chat.completions.create(asked);
const text = whole.choices[0].message.content;
assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);

const { data, response } = await client.chat.completions.create(asked).withResponse();
assert.equal(data.choices[0].message.content, text);
assert.equal(response.headers.get('x-ratelimit-limit-requests'), '1000');

let streamed = '';
for await (const piece of await client.chat.completions.create({ ...asked, stream: true })) {
  assert.equal(piece.choices.length, 1);
  streamed += piece.choices[0].delta.content ?? '';
}
assert.equal(streamed, text);

const runner = client.chat.completions.stream(asked);
assert.equal((await runner.finalChatCompletion()).choices[0].message.content, text);

const left = await client.chat.completions.create({ ...asked, max_tokens: 200, stream: true });
for await (const _ of left) break;

const together = await Promise.all(Array.from({ length: 8 }, () => client.chat.completions.create(asked)));
assert.ok(together.every((answer) => answer.choices[0].message.content === text));

await refused(OpenAI.NotFoundError, () => client.chat.completions.create({ ...asked, model: 'other' }), 404, 'model_not_found');
await refused(OpenAI.BadRequestError, () => client.chat.completions.create({ ...asked, n: -1 }), 400, 'invalid_request');
const stranger = new OpenAI({ baseURL, apiKey: 'sm_wrong', maxRetries: 0 });
await refused(OpenAI.AuthenticationError, () => stranger.chat.completions.create(asked), 401, 'invalid_api_key');
await assert.rejects(client.chat.completions.create({ ...asked, max_tokens: 300 }, { timeout: 1 }), OpenAI.APIConnectionTimeoutError);

const limited = new OpenAI({ baseURL, apiKey: limitedKey, maxRetries: 0 });
const untilRefused = async () => {
  for (let count = 0; count < 100; count++) await limited.chat.completions.create(asked);
};
const err = await refused(OpenAI.RateLimitError, untilRefused, 429, 'rate_limit_exceeded');
assert.ok(Number(err.headers.get('retry-after-ms')) > 0);
await limited.chat.completions.create(asked, { maxRetries: 2 });
console.log('all of it holds');
