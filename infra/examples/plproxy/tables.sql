-- At both partitions and both replicas.
CREATE TABLE entry (customer text, id bigint, item text NOT NULL, PRIMARY KEY (customer, id));
CREATE TABLE product (id int PRIMARY KEY, name text NOT NULL);
