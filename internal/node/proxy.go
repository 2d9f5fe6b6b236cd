package node

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// behind lets the callers behind load balancers be who they are: a request from one of
// the trusted addresses comes from the last address in its X-Forwarded-For, which that
// balancer itself wrote. Everybody else's header counts for nothing.
func behind(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, ok := forwarded(trusted, r); ok {
			r.RemoteAddr = net.JoinHostPort(from.String(), "0")
		}
		next.ServeHTTP(w, r)
	})
}

func forwarded(trusted []netip.Prefix, r *http.Request) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	isTrusted := false
	for _, p := range trusted {
		isTrusted = isTrusted || p.Contains(peer.Addr().Unmap())
	}
	list := r.Header.Values("X-Forwarded-For")
	if !isTrusted || len(list) == 0 {
		return netip.Addr{}, false
	}
	last := list[len(list)-1]
	from, err := netip.ParseAddr(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]))
	return from, err == nil
}

// parsePrefixes reads addresses and networks such as 10.0.0.5 and 10.0.0.0/8.
func parsePrefixes(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			addr, addrErr := netip.ParseAddr(text)
			if addrErr != nil {
				return nil, err
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		all = append(all, p.Masked())
	}
	return all, nil
}
