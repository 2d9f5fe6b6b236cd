package lambda

import "time"

// The limits of AWS Lambda that Hearth enforces (Lambda quotas page and contract
// part 1.3). Sizes are bytes unless the name says otherwise.
const (
	MemoryMinMB       = 128
	MemoryMaxMB       = 10240
	MemoryDefaultMB   = 128
	TimeoutMinSec     = 1
	TimeoutMaxSec     = 900
	TimeoutDefaultSec = 3
	EphemeralMinMB    = 512
	EphemeralMaxMB    = 10240

	// EnvironmentMax bounds the compact JSON of the environment's map.
	EnvironmentMax = 4096

	ZipMax          = 52428800  // a directly uploaded zip
	CreateBodyMax   = 70167211  // the whole CreateFunction request (base64 of ZipMax and some)
	UnzippedMax     = 262144000 // function and layers together
	CodeStorageMax  = 80530636800
	PayloadMax      = 6291456 // a synchronous request
	ResponseMax     = 6291556 // a buffered response: 6 MiB + 100
	EventPayloadMax = 1048576 // an asynchronous request
	ClientContext   = 3583    // the base64 text of X-Amz-Client-Context

	// LogTailMax is how much of the log X-Amz-Log-Result carries, before base64.
	LogTailMax = 4096

	// ProcessesMax and FilesMax are what one execution environment may hold.
	ProcessesMax = 1024
	FilesMax     = 1024

	AccountConcurrencyDefault = 1000
	UnreservedConcurrencyMin  = 100

	// VCPUMemoryMB is the memory size at which a function gets one whole vCPU; its
	// CPU share is proportional to its memory.
	VCPUMemoryMB = 1769

	TagsMax = 50
	PageMax = 50 // entries of one ListFunctions page, whatever MaxItems says
)

// InitTimeout is how long the Init phase of an on-demand environment may take
// before it is ended and run again inside the first invoke.
const InitTimeout = 10 * time.Second
