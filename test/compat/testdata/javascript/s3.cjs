// Checks S3 with AWS's SDK for JavaScript; the environment says where it is.
const assert = require('node:assert/strict')
const { createHash, randomBytes } = require('node:crypto')
const { Readable } = require('node:stream')
const {
  S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand, HeadObjectCommand, DeleteObjectsCommand, CopyObjectCommand,
  paginateListObjectsV2, ListMultipartUploadsCommand, DeleteBucketCommand, waitUntilObjectExists,
} = require('@aws-sdk/client-s3')
const { Upload } = require('@aws-sdk/lib-storage')
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner')
const { createPresignedPost } = require('@aws-sdk/s3-presigned-post')

const Bucket = 'javascript'
const MB = 1 << 20
const s3 = new S3Client({ forcePathStyle: true })
const sum = (data) => createHash('sha256').update(data).digest('hex')

async function read(input) {
  const out = await s3.send(new GetObjectCommand({ Bucket, ChecksumMode: 'ENABLED', ...input }))
  return { out, body: Buffer.from(await out.Body.transformToByteArray()) }
}

async function upload(Key, Body, params = {}, options = {}) {
  const seen = []
  const u = new Upload({ client: s3, params: { Bucket, Key, Body, ...params }, partSize: 5 * MB, queueSize: 3, ...options })
  u.on('httpUploadProgress', (p) => seen.push(p.loaded))
  return { done: await u.done(), seen }
}

async function main() {
  await s3.send(new CreateBucketCommand({ Bucket }))

  // The transfer manager: none, one and three parts; bytes and streams; the checksums.
  const data = randomBytes(12 * MB + 7)
  for (const size of [0, 1, 5 * MB, data.length]) {
    const part = data.subarray(0, size)
    const { done } = await upload(`bytes/${size}`, part, { ContentType: 'image/png', Metadata: { sum: sum(part) } })
    const { out, body } = await read({ Key: `bytes/${size}` })
    assert.equal(sum(body), sum(part))
    assert.equal(out.ContentType, 'image/png')
    assert.equal(out.Metadata.sum, sum(part))
    assert.equal(out.ETag, done.ETag)
  }
  for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256', 'CRC64NVME']) {
    const { done } = await upload(`sums/${ChecksumAlgorithm}`, data.subarray(0, 6 * MB), { ChecksumAlgorithm })
    assert.match(done.ETag, /-2"$/)
    const { body } = await read({ Key: `sums/${ChecksumAlgorithm}` })
    assert.equal(sum(body), sum(data.subarray(0, 6 * MB)))
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: `sums/${ChecksumAlgorithm}`, ChecksumMode: 'ENABLED' }))
    assert.ok(head[`Checksum${ChecksumAlgorithm}`], `${ChecksumAlgorithm}: ${JSON.stringify(head)}`)
  }
  const pieces = function* () { for (let at = 0; at < data.length; at += 300_001) yield data.subarray(at, at + 300_001) }
  const { seen } = await upload('a stream/ü', Readable.from(pieces()))
  assert.equal(seen.at(-1), data.length)
  assert.equal(sum((await read({ Key: 'a stream/ü' })).body), sum(data))

  // A part of it.
  const { out, body } = await read({ Key: 'a stream/ü', Range: `bytes=${5 * MB - 2}-${5 * MB + 1}` })
  assert.equal(out.ContentRange, `bytes ${5 * MB - 2}-${5 * MB + 1}/${data.length}`)
  assert.deepEqual(body, data.subarray(5 * MB - 2, 5 * MB + 2))

  // An upload that is given up leaves nothing.
  const stopped = new Upload({ client: s3, params: { Bucket, Key: 'stopped', Body: data }, partSize: 5 * MB, queueSize: 1 })
  stopped.on('httpUploadProgress', () => stopped.abort())
  await assert.rejects(stopped.done(), { name: 'AbortError' })
  const left = await s3.send(new ListMultipartUploadsCommand({ Bucket }))
  for (const u of left.Uploads ?? []) assert.equal(u.Key, 'stopped')

  // Conditions, copies, errors as the SDK's own classes.
  await s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body: 'first', IfNoneMatch: '*' }))
  await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body: 'second', IfNoneMatch: '*' })), { name: 'PreconditionFailed' })
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: 'none' })), { name: 'NoSuchKey', Key: 'none' })
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: 'none' })), { name: 'NotFound' })
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${encodeURIComponent('a stream/ü')}` }))
  await waitUntilObjectExists({ client: s3, maxWaitTime: 30 }, { Bucket, Key: 'copy' })

  // Links and forms that are handed to a browser.
  const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'link', ContentType: 'text/plain' }), { expiresIn: 60 })
  const sent = await fetch(put, { method: 'PUT', body: 'by a link', headers: { 'content-type': 'text/plain' } })
  assert.equal(sent.status, 200, await sent.text())
  const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'link', ResponseContentDisposition: 'attachment' }))
  const got = await fetch(get)
  assert.equal(await got.text(), 'by a link')
  assert.equal(got.headers.get('content-disposition'), 'attachment')
  const { url, fields } = await createPresignedPost(s3, {
    Bucket, Key: 'forms/${filename}', Expires: 60, Fields: { 'x-amz-meta-from': 'a page' },
    Conditions: [['content-length-range', 1, 1000], ['starts-with', '$Content-Type', 'text/']],
  })
  const form = (type, text) => {
    const f = new FormData()
    for (const [name, value] of Object.entries(fields)) f.append(name, value)
    f.append('Content-Type', type)
    f.append('file', new Blob([text]), 'note.txt')
    return fetch(url, { method: 'POST', body: f })
  }
  const posted = await form('text/plain', 'by a form')
  assert.equal(posted.status, 204, await posted.text())
  const note = await read({ Key: 'forms/note.txt' })
  assert.equal(note.body.toString(), 'by a form')
  assert.equal(note.out.Metadata.from, 'a page')
  assert.equal((await form('image/png', 'x')).status, 403)
  assert.match(await (await form('text/plain', 'x'.repeat(1001))).text(), /EntityTooLarge/)

  // All of it goes, a page at a time.
  const keys = []
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 4 }, { Bucket })) keys.push(...page.Contents.map((o) => o.Key))
  assert.equal(keys.length, 14, keys.join())
  const gone = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }))
  assert.equal(gone.Deleted.length, keys.length)
  await s3.send(new DeleteBucketCommand({ Bucket }))
  console.log('all checks passed')
}

main().catch((e) => { console.error(e); process.exitCode = 1 })
