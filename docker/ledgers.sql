-- Each service owns its own database.
CREATE DATABASE inventory;
CREATE DATABASE payment;
CREATE DATABASE shipping;
CREATE DATABASE loyalty;
