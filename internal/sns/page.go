package sns

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// tokenPrefix begins what a page's token says; the rest is the last name on it.
const tokenPrefix = "after "

// pageOf is the page of names that a token leads to, in order, and the token of the
// next one. A token outlives changes of the list.
func pageOf(names []string, token *string) (page []string, next *string, err error) {
	after := ""
	if aws.ToString(token) != "" {
		text, err := base64.URLEncoding.DecodeString(*token)
		last, ok := strings.CutPrefix(string(text), tokenPrefix)
		if err != nil || !ok {
			return nil, nil, invalid("NextToken Reason: Invalid token")
		}
		after = last
	}
	slices.Sort(names)
	from, found := slices.BinarySearch(names, after)
	if found {
		from++
	}
	names = names[from:]
	if len(names) <= pageMax {
		return names, nil, nil
	}
	page = names[:pageMax]
	return page, aws.String(base64.URLEncoding.EncodeToString([]byte(tokenPrefix + page[pageMax-1]))), nil
}
