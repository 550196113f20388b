# Speaks to an echo server with Protocol::WebSocket.
#
#     perl perl_client.pl ws://127.0.0.1:9001/ 75|00|10|17 echo|refused
#
# Prints a line for every check: "ok ..." or "not ok ...".
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8 decode_utf8);
use IO::Socket::INET;
use Protocol::WebSocket::Handshake::Client;
use Protocol::WebSocket::Frame;

$| = 1;
binmode STDOUT, ':utf8';
my ($url, $short, $mode) = @ARGV;
my %versions = (
    '75' => 'draft-hixie-75',
    '00' => 'draft-ietf-hybi-00',
    '10' => 'draft-ietf-hybi-10',
    '17' => 'draft-ietf-hybi-17',
);
my $version = $versions{$short} or die "unknown version $short\n";
my $is_hixie = $short eq '75' || $short eq '00';
my ($host, $port) = $url =~ m{^ws://([^:/]+):(\d+)} or die "not a URL with a port: $url\n";

local $SIG{ALRM} = sub { print "not ok $mode: no answer in 30 seconds\n"; exit 1 };
alarm 30;

sub check {
    my ($name, $body) = @_;
    my $problem = eval { $body->() };
    $problem = "$@" if $@;
    $problem =~ s/\s+$// if defined $problem;
    print $problem ? "not ok $name: $problem\n" : "ok $name\n";
}

my $socket = IO::Socket::INET->new(PeerHost => $host, PeerPort => $port, Proto => 'tcp')
    or die "cannot connect: $!\n";

my $handshake = Protocol::WebSocket::Handshake::Client->new(url => $url, version => $version);
$handshake->req->origin("http://$host:$port");
my $frames = Protocol::WebSocket::Frame->new(version => $version, max_payload_size => 1 << 20);
syswrite $socket, $handshake->to_string;

# Reads until the handshake is done; the status line, and whether it succeeded.
sub open_connection {
    my $seen = '';
    while (!$handshake->is_done) {
        my $count = sysread $socket, my $data, 65536;
        last unless $count;
        $seen .= $data;
        last if !defined $handshake->parse($data) || $handshake->error;
        # What the parser left is already frames.
        $frames->append($data) if $handshake->is_done && length $data;
    }
    my ($line) = split /\r\n/, $seen;
    return ($line // 'nothing', $handshake->is_done);
}

sub receive {
    while (1) {
        my $bytes = $frames->next_bytes;
        return $bytes if defined $bytes;
        my $count = sysread $socket, my $data, 65536;
        return undef unless $count;
        $frames->append($data);
    }
}

sub send_frame {
    my (%what) = @_;
    my $bytes = Protocol::WebSocket::Frame->new(
        version => $version, masked => !$is_hixie, max_payload_size => 1 << 20, %what
    )->to_bytes;
    while (length $bytes) {
        my $count = syswrite $socket, $bytes;
        die "cannot send: $!\n" unless $count;
        substr($bytes, 0, $count, '');
    }
}

sub echo {
    my ($text) = @_;
    my $sent = encode_utf8($text);
    send_frame(buffer => $sent);
    my $echoed = receive();
    return 'the connection ended' unless defined $echoed;
    return if $echoed eq $sent;
    return length($echoed) . ' bytes came back, ' . length($sent) . ' were sent';
}

if ($mode eq 'refused') {
    check 'refused with 426', sub {
        my ($line) = open_connection();
        return $line =~ m{^HTTP/1\.1 426 } ? undef : "answered '$line'";
    };
    exit;
}

my $is_open;
check 'opening handshake', sub {
    (my $line, $is_open) = open_connection();
    return $is_open ? undef : "answered '$line': " . ($handshake->error // 'no error');
};
exit unless $is_open;
for my $size (0, 1, 125, 126, 65535, 65536) {
    check "text, $size bytes", sub { echo('x' x $size) };
}
check "text, all of Unicode's lengths", sub { echo("a é ☃ \x{1D11E}") };
check '20 texts', sub {
    for my $number (1 .. 20) {
        my $problem = echo("text $number");
        return $problem if $problem;
    }
    return;
};
if ($short eq '75') {
    check 'end without a closing handshake', sub { close $socket; return };
}
else {
    check 'closing handshake', sub {
        # The library has no Close frame for hybi-00: these are its bytes.
        if ($is_hixie) { syswrite $socket, "\xff\x00" }
        else { send_frame(type => 'close', buffer => pack('n', 1000)) }
        my $answer = '';
        while (sysread $socket, my $data, 65536) { $answer .= $data }
        my $wanted = $is_hixie ? "\xff\x00" : "\x88\x02\x03\xe8";
        return $answer eq $wanted ? undef : 'answered ' . unpack('H*', $answer);
    };
}
