package s3

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

// answer is a status and S3's usual text (S3 API reference, "Error responses").
type answer struct {
	status int
	text   string
}

var answers = map[string]answer{
	"AccessControlListNotSupported":         {400, "The bucket does not allow ACLs"},
	"AccessDenied":                          {403, "Access Denied"},
	"AccessForbidden":                       {403, "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."},
	"AuthorizationQueryParametersError":     {400, "Error parsing the X-Amz-Credential parameter."},
	"AuthorizationHeaderMalformed":          {400, "The authorization header you provided is invalid."},
	"BadDigest":                             {400, "The Content-MD5 you specified did not match what we received."},
	"BucketAlreadyExists":                   {409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."},
	"BucketAlreadyOwnedByYou":               {409, "Your previous request to create the named bucket succeeded and you already own it."},
	"BucketNotEmpty":                        {409, "The bucket you tried to delete is not empty"},
	"EntityTooLarge":                        {400, "Your proposed upload exceeds the maximum allowed object size."},
	"EntityTooSmall":                        {400, "Your proposed upload is smaller than the minimum allowed size"},
	"ExpiredToken":                          {400, "The provided token has expired."},
	"IllegalLocationConstraintException":    {400, "The specified location-constraint is not valid"},
	"IncompleteBody":                        {400, "You did not provide the number of bytes specified by the Content-Length HTTP header"},
	"InternalError":                         {500, "We encountered an internal error. Please try again."},
	"InvalidAccessKeyId":                    {403, "The AWS Access Key Id you provided does not exist in our records."},
	"InvalidArgument":                       {400, "Invalid Argument"},
	"InvalidBucketName":                     {400, "The specified bucket is not valid."},
	"InvalidBucketState":                    {409, "The request is not valid with the current state of the bucket."},
	"InvalidDigest":                         {400, "The Content-MD5 you specified was invalid."},
	"InvalidLocationConstraint":             {400, "The specified location-constraint is not valid"},
	"InvalidObjectState":                    {403, "The operation is not valid for the object's storage class"},
	"InvalidPart":                           {400, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."},
	"InvalidPartNumber":                     {416, "The requested partnumber is not satisfiable"},
	"InvalidPartOrder":                      {400, "The list of parts was not in ascending order. Parts must be ordered by part number."},
	"InvalidRange":                          {416, "The requested range is not satisfiable"},
	"InvalidRequest":                        {400, "Invalid Request"},
	"InvalidTag":                            {400, "The tag provided was not a valid tag."},
	"InvalidToken":                          {400, "The provided token is malformed or otherwise invalid."},
	"InvalidURI":                            {400, "Couldn't parse the specified URI."},
	"KeyTooLongError":                       {400, "Your key is too long"},
	"MalformedACLError":                     {400, "The XML you provided was not well-formed or did not validate against our published schema"},
	"MalformedPOSTRequest":                  {400, "The body of your POST request is not well-formed multipart/form-data."},
	"MaxPostPreDataLengthExceeded":          {400, "Your POST request fields preceding the upload file were too large."},
	"InvalidPolicyDocument":                 {400, "Invalid Policy"},
	"MalformedPolicy":                       {400, "Policies must be valid JSON and the first byte must be '{'"},
	"MalformedTrailerError":                 {400, "The request contained trailing data that was not well-formed or did not conform to our published schema."},
	"MalformedXML":                          {400, "The XML you provided was not well-formed or did not validate against our published schema"},
	"MetadataTooLarge":                      {400, "Your metadata headers exceed the maximum allowed metadata size"},
	"MethodNotAllowed":                      {405, "The specified method is not allowed against this resource."},
	"MissingContentLength":                  {411, "You must provide the Content-Length HTTP header."},
	"NoSuchBucket":                          {404, "The specified bucket does not exist"},
	"NoSuchBucketPolicy":                    {404, "The bucket policy does not exist"},
	"NoSuchCORSConfiguration":               {404, "The CORS configuration does not exist"},
	"NoSuchConfiguration":                   {404, "The specified configuration does not exist."},
	"NoSuchKey":                             {404, "The specified key does not exist."},
	"NoSuchLifecycleConfiguration":          {404, "The lifecycle configuration does not exist"},
	"NoSuchPublicAccessBlockConfiguration":  {404, "The public access block configuration was not found"},
	"NoSuchTagSet":                          {404, "The TagSet does not exist"},
	"NoSuchUpload":                          {404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."},
	"NoSuchVersion":                         {404, "The specified version does not exist."},
	"NoSuchWebsiteConfiguration":            {404, "The specified bucket does not have a website configuration"},
	"NotImplemented":                        {501, "A header you provided implies functionality that is not implemented"},
	"ObjectLockConfigurationNotFoundError":  {404, "Object Lock configuration does not exist for this bucket"},
	"OwnershipControlsNotFoundError":        {404, "The bucket ownership controls were not found"},
	"PermanentRedirect":                     {301, "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint."},
	"PreconditionFailed":                    {412, "At least one of the pre-conditions you specified did not hold"},
	"ReplicationConfigurationNotFoundError": {404, "The replication configuration was not found"},
	"RequestTimeTooSkewed":                  {403, "The difference between the request time and the current time is too large."},
	"SignatureDoesNotMatch":                 {403, "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
	"TooManyBuckets":                        {400, "You have attempted to create more buckets than allowed"},
	"XAmzContentSHA256Mismatch":             {400, "The provided 'x-amz-content-sha256' header does not match what was computed."},
}

// fault is a refusal with S3's usual text.
func fault(code string) *lambda.Error {
	return &lambda.Error{Code: code, Message: answers[code].text}
}

// faultf is a refusal with a text of its own.
func faultf(code, format string, args ...any) *lambda.Error {
	return lambda.Errorf(code, format, args...)
}

// elements are what an error's document says beside code and message: names and values.
type elements []string

// with gives an error such elements.
func with(e *lambda.Error, pairs ...string) *lambda.Error {
	e.Detail = elements(pairs)
	return e
}

// argument is the refusal of one parameter or header.
func argument(name, value, text string) *lambda.Error {
	return with(&lambda.Error{Code: "InvalidArgument", Message: text}, "ArgumentName", name, "ArgumentValue", value)
}

// toFault turns what the index says into what S3 says. Errors that are nobody's
// stay as they are.
func toFault(err error) error {
	for _, known := range []struct {
		err  error
		code string
	}{
		{index.ErrNoBucket, "NoSuchBucket"},
		{index.ErrNoObject, "NoSuchKey"},
		{index.ErrNoVersion, "NoSuchVersion"},
		{index.ErrNoUpload, "NoSuchUpload"},
		{index.ErrPartGone, "InvalidPart"},
		{index.ErrNotEmpty, "BucketNotEmpty"},
		{index.ErrVersioningOff, "MalformedXML"},
	} {
		if errors.Is(err, known.err) {
			return fault(known.code)
		}
	}
	return err
}

// errorBody is the document of an error.
type errorBody struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	About     []aboutElement
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

type aboutElement struct {
	XMLName xml.Name
	Value   string `xml:",chardata"`
}

// about is what S3 says with an error of a code, unless the error says it itself.
func (c *call) about(e *lambda.Error) elements {
	if own, ok := e.Detail.(elements); ok {
		return own
	}
	switch e.Code {
	case "NoSuchKey":
		return elements{"Key", c.key}
	case "NoSuchVersion":
		return elements{"Key", c.key, "VersionId", c.query.Get("versionId")}
	case "NoSuchUpload":
		return elements{"UploadId", c.query.Get("uploadId")}
	case "MethodNotAllowed":
		return elements{"Method", c.r.Method, "ResourceType", resourceTypes[levelOf(c.bucket, c.key)]}
	case "KeyTooLongError":
		return elements{"Size", strconv.Itoa(len(c.key)), "MaxSizeAllowed", strconv.Itoa(keyMax)}
	case "NoSuchBucket", "NoSuchBucketPolicy", "NoSuchTagSet", "NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration",
		"NoSuchWebsiteConfiguration", "NoSuchPublicAccessBlockConfiguration", "OwnershipControlsNotFoundError",
		"ObjectLockConfigurationNotFoundError", "ReplicationConfigurationNotFoundError", "BucketNotEmpty", "BucketAlreadyExists",
		"BucketAlreadyOwnedByYou", "InvalidBucketName":
		return elements{"BucketName", c.bucket}
	}
	return nil
}

// resourceTypes are the levels in S3's words.
var resourceTypes = map[level]string{onService: "SERVICE", onBucket: "BUCKET", onObject: "OBJECT"}

// fail answers with err; what is not the caller's is logged here, once.
func (c *call) fail(err error) {
	err = toFault(err)
	var e *lambda.Error
	if !errors.As(err, &e) {
		c.s.log.ErrorContext(c.r.Context(), "s3 request failed",
			"request_id", c.id, "method", c.r.Method, "bucket", c.bucket, "error", err)
		e = fault("InternalError")
	}
	status := e.Status
	if status == 0 {
		status = answers[e.Code].status
	}
	if status == 0 {
		status = http.StatusBadRequest
	}
	c.drain()
	if status == http.StatusNotModified || c.r.Method == http.MethodHead {
		c.w.WriteHeader(status)
		return
	}
	body := errorBody{Code: e.Code, Message: e.Message, RequestID: c.id, HostID: hostID(c.id)}
	pairs := c.about(e)
	for len(pairs) >= 2 {
		body.About = append(body.About, aboutElement{xml.Name{Local: pairs[0]}, pairs[1]})
		pairs = pairs[2:]
	}
	c.writeXML(status, body)
}
