package s3

import (
	"encoding/xml"
	"net/http"

	"github.com/hearthfaas/hearth/internal/s3/index"
)

type versionsResult struct {
	XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name                string
	Prefix              string
	KeyMarker           string
	VersionIDMarker     string `xml:"VersionIdMarker"`
	NextKeyMarker       string `xml:",omitempty"`
	NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
	MaxKeys             int
	Delimiter           string `xml:",omitempty"`
	IsTruncated         bool
	EncodingType        string `xml:",omitempty"`
	Entries             []versionEntry
	CommonPrefixes      []prefixEntry
}

// versionEntry is a Version or a DeleteMarker element; both are listed in one order.
type versionEntry struct {
	XMLName      xml.Name
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified xmlTime
	ETag         string `xml:",omitempty"`
	Size         *int64 `xml:",omitempty"`
	StorageClass string `xml:",omitempty"`
	Owner        owner
}

func (c *call) listVersions() error {
	limit, err := c.number("max-keys", pageMax, pageMax)
	if err != nil {
		return err
	}
	encode, kind, err := c.encoder()
	if err != nil {
		return err
	}
	q := index.Query{
		Prefix: c.query.Get("prefix"), Delimiter: c.query.Get("delimiter"),
		After: c.query.Get("key-marker"), AfterVersion: c.query.Get("version-id-marker"), Max: limit,
	}
	if q.AfterVersion != "" && q.After == "" {
		return faultf("InvalidArgument", "A version-id marker cannot be specified without a key marker.")
	}
	page, err := c.s.index.Versions(c.ctx(), c.bucket, q)
	if err != nil {
		return err
	}
	out := versionsResult{
		Name: c.bucket, Prefix: encode(q.Prefix), KeyMarker: encode(q.After), VersionIDMarker: q.AfterVersion,
		NextKeyMarker: encode(page.Next), NextVersionIDMarker: page.NextVersion, MaxKeys: limit,
		Delimiter: encode(q.Delimiter), IsTruncated: page.Truncated, EncodingType: kind,
		CommonPrefixes: prefixEntries(page.Prefixes, encode),
	}
	for _, o := range page.Objects {
		e := versionEntry{
			XMLName: xml.Name{Local: "Version"}, Key: encode(o.Key), VersionID: o.Version, IsLatest: o.Latest,
			LastModified: xmlTime(o.Modified), Owner: owner{ownerID(c.rec.Account)},
		}
		if o.DeleteMarker {
			e.XMLName.Local = "DeleteMarker"
		} else {
			e.ETag, e.Size, e.StorageClass = quote(o.ETag), &o.Size, classOf(&o)
		}
		out.Entries = append(out.Entries, e)
	}
	c.writeXML(http.StatusOK, out)
	return nil
}

type uploadsResult struct {
	XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket             string
	KeyMarker          string
	UploadIDMarker     string `xml:"UploadIdMarker"`
	NextKeyMarker      string `xml:",omitempty"`
	NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
	Prefix             string
	Delimiter          string `xml:",omitempty"`
	MaxUploads         int
	IsTruncated        bool
	EncodingType       string        `xml:",omitempty"`
	Uploads            []uploadEntry `xml:"Upload"`
	CommonPrefixes     []prefixEntry
}

type uploadEntry struct {
	Key               string
	UploadID          string `xml:"UploadId"`
	Initiator         owner
	Owner             owner
	StorageClass      string
	Initiated         xmlTime
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

func (c *call) listUploads() error {
	limit, err := c.number("max-uploads", pageMax, pageMax)
	if err != nil {
		return err
	}
	encode, kind, err := c.encoder()
	if err != nil {
		return err
	}
	q := index.Query{
		Prefix: c.query.Get("prefix"), Delimiter: c.query.Get("delimiter"),
		After: c.query.Get("key-marker"), AfterVersion: c.query.Get("upload-id-marker"), Max: limit,
	}
	uploads, prefixes, truncated, err := c.s.index.Uploads(c.ctx(), c.bucket, q)
	if err != nil {
		return err
	}
	out := uploadsResult{
		Bucket: c.bucket, KeyMarker: encode(q.After), UploadIDMarker: q.AfterVersion, Prefix: encode(q.Prefix),
		Delimiter: encode(q.Delimiter), MaxUploads: limit, IsTruncated: truncated, EncodingType: kind,
		CommonPrefixes: prefixEntries(prefixes, encode),
	}
	for _, u := range uploads {
		out.Uploads = append(out.Uploads, uploadEntry{
			Key: encode(u.Key), UploadID: u.ID, Initiator: owner{u.Initiator}, Owner: owner{ownerID(c.rec.Account)},
			StorageClass: classOf(&index.Object{Attributes: u.Attributes}), Initiated: xmlTime(u.Initiated),
			ChecksumAlgorithm: string(u.Checksum.Algorithm), ChecksumType: u.Checksum.Type,
		})
	}
	if truncated {
		if n := len(uploads); n > 0 {
			out.NextKeyMarker, out.NextUploadIDMarker = encode(uploads[n-1].Key), uploads[n-1].ID
		}
		if n := len(prefixes); n > 0 && (len(uploads) == 0 || prefixes[n-1] > uploads[len(uploads)-1].Key) {
			out.NextKeyMarker, out.NextUploadIDMarker = encode(prefixes[n-1]), ""
		}
	}
	c.writeXML(http.StatusOK, out)
	return nil
}
