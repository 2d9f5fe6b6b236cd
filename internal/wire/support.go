package wire

// Support is how far an operation goes compared with AWS's.
type Support string

// The degrees of support. An operation without a Note is Full.
const (
	Full        Support = "works"
	Differs     Support = "works, differs"
	Recorded    Support = "recorded only"
	Unavailable Support = "not available"
)

// Note says of one operation how it differs from AWS's and why, in one line.
type Note struct {
	Support Support
	Text    string
}
