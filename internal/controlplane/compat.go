package controlplane

import "github.com/hearthfaas/hearth/internal/wire"

const (
	noteStart    = "No KMS, EFS and VPC here: members that name such resources get AWS's answer for ones that do not exist."
	noteSnap     = "A version is published at once; SnapStart is recorded, no snapshot is taken and OptimizationStatus stays Off."
	noteSigned   = "Packages cannot be signed here, so every package is unsigned: policy Enforce refuses all new code, Warn takes it."
	noteMappings = "SQS queues and DynamoDB streams are polled. Mappings of other sources are validated and kept, and LastProcessingResult says that they are not polled here; for queues it says what is missing, where AWS shows nothing."
	noteDurable  = "Functions cannot be made durable here, so there are no executions: whatever names one gets AWS's answer for a missing one."
	noteCapacity = "There is no EC2 to provide capacity: none can be made, and whatever names one gets AWS's answer for a missing one."
	noteScaling  = "It concerns functions on capacity providers only, of which there are none; kept and shown."
	noteURL      = "URLs answer at http://<id>.lambda-url.<region>.localhost:<port>/ and at /_aws/lambda-url/<id>/ of this installation, without TLS; URLs without authentication need both statements that AWS asks for since October 2025."
	noteEvents   = "Functions are served as destinations; queues, topics, event buses, buckets and dead-letter targets only as far as the installation has them."
	noteRuntimes = "Runtimes are what the host has; when they are updated is the host's matter."
)

// Notes say where operations differ from AWS's. One without a note does not, as far
// as is known.
var Notes = map[string]wire.Note{
	"CreateFunction":                  {Support: wire.Differs, Text: noteStart + " Container images and durable functions are refused."},
	"UpdateFunctionConfiguration":     {Support: wire.Differs, Text: noteStart},
	"UpdateFunctionCode":              {Support: wire.Differs, Text: "Container images are refused."},
	"PublishVersion":                  {Support: wire.Differs, Text: noteSnap},
	"GetFunction":                     {Support: wire.Differs, Text: "Code.Location is a link to this installation, valid for 10 minutes."},
	"AddPermission":                   {Support: wire.Differs, Text: "A principal's form is checked, not whether it exists."},
	"CreateEventSourceMapping":        {Support: wire.Differs, Text: noteMappings},
	"UpdateEventSourceMapping":        {Support: wire.Differs, Text: noteMappings},
	"GetEventSourceMapping":           {Support: wire.Differs, Text: noteMappings},
	"ListEventSourceMappings":         {Support: wire.Differs, Text: noteMappings},
	"PutProvisionedConcurrencyConfig": {Support: wire.Differs, Text: "When an alias moves, the environments of the old version end at once and those of the new one are made."},
	"CreateFunctionUrlConfig":         {Support: wire.Differs, Text: noteURL},
	"UpdateFunctionUrlConfig":         {Support: wire.Differs, Text: noteURL},
	"PutFunctionEventInvokeConfig":    {Support: wire.Differs, Text: noteEvents},
	"UpdateFunctionEventInvokeConfig": {Support: wire.Differs, Text: noteEvents},
	"CreateCodeSigningConfig":         {Support: wire.Differs, Text: noteSigned},
	"UpdateCodeSigningConfig":         {Support: wire.Differs, Text: noteSigned},
	"PutFunctionCodeSigningConfig":    {Support: wire.Differs, Text: noteSigned},
	"PutResourcePolicy":               {Support: wire.Differs, Text: "There is no setting that blocks public policies."},
	"PutRuntimeManagementConfig":      {Support: wire.Recorded, Text: noteRuntimes},
	"GetRuntimeManagementConfig":      {Support: wire.Recorded, Text: noteRuntimes},
	"PutFunctionScalingConfig":        {Support: wire.Recorded, Text: noteScaling},
	"GetFunctionScalingConfig":        {Support: wire.Recorded, Text: noteScaling},

	"CheckpointDurableExecution":            {Support: wire.Unavailable, Text: noteDurable},
	"GetDurableExecution":                   {Support: wire.Unavailable, Text: noteDurable},
	"GetDurableExecutionHistory":            {Support: wire.Unavailable, Text: noteDurable},
	"GetDurableExecutionState":              {Support: wire.Unavailable, Text: noteDurable},
	"ListDurableExecutionsByFunction":       {Support: wire.Unavailable, Text: noteDurable},
	"SendDurableExecutionCallbackFailure":   {Support: wire.Unavailable, Text: noteDurable},
	"SendDurableExecutionCallbackHeartbeat": {Support: wire.Unavailable, Text: noteDurable},
	"SendDurableExecutionCallbackSuccess":   {Support: wire.Unavailable, Text: noteDurable},
	"StopDurableExecution":                  {Support: wire.Unavailable, Text: noteDurable},

	"CreateCapacityProvider":                 {Support: wire.Unavailable, Text: noteCapacity},
	"GetCapacityProvider":                    {Support: wire.Unavailable, Text: noteCapacity},
	"UpdateCapacityProvider":                 {Support: wire.Unavailable, Text: noteCapacity},
	"DeleteCapacityProvider":                 {Support: wire.Unavailable, Text: noteCapacity},
	"ListCapacityProviders":                  {Support: wire.Unavailable, Text: noteCapacity},
	"ListFunctionVersionsByCapacityProvider": {Support: wire.Unavailable, Text: noteCapacity},
}
