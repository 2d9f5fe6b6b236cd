package scheduler

import "encoding/base64"

// pageMost is AWS's page when the request names no size; it is also the largest.
const pageMost = 100

func pageSize(asked *int32) int {
	if asked == nil || *asked > pageMost {
		return pageMost
	}
	return int(*asked)
}

// A token is the last name or key of the page before.
func makeToken(last string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(last)))
}

func readToken(token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	last, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(last) == 0 {
		return "", invalid("Invalid NextToken.")
	}
	return string(last), nil
}
